"""Rules on fields: the records of any envelope are read, and what else a rule says holds as well."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from corpora import chunks, count

from logscan_api.rules import Rule

AUTO: dict[str, str | None] = {"framing": "Auto"}
TIME = "2026-11-24T10:00:00.1Z"
EVENTS: list[dict[str, Any]] = [
    {
        "time": TIME,
        "level": ("info", "ERROR", "fatal", 30)[n % 4],
        "message": f"größe\n\t\x1b[31mstatus\x1b[0m {n}",
        "http": [{"status": 200}, {"status": str(500 + n % 5)}] if n % 3 else None,
    }
    for n in range(60)
]
SERIOUS = sum(n % 4 in (1, 2) and n % 3 > 0 and n % 5 > 0 for n in range(60))
RULE = Rule.model_validate({"name": "serious", "where": {"level": ["error", "fatal"], "http.status": ">500 <=504"}})


def docker(texts: Sequence[str]) -> str:
    entries = [
        {"log": text[at : at + 90], "stream": "stderr", "time": TIME}
        for text in texts
        for at in range(0, len(text), 90)
    ]
    for entry in entries:
        entry["log"] += "\n" if entry["log"].endswith("}") else ""
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def cloudwatch(texts: Sequence[str]) -> str:
    events = [{"id": str(n), "timestamp": 1795507200500, "message": text} for n, text in enumerate(texts)]
    return json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": events})


FORMS: dict[str, Callable[[Sequence[str]], str]] = {
    "lines": "\n".join,
    "CRLF": "\r\n".join,
    "Records": lambda texts: f'{{"Records":[{",".join(texts)}]}}',
    "array": lambda texts: f"[{','.join(texts)}]",
    "Firehose": "".join,
    "pretty": lambda texts: "\n".join(json.dumps(json.loads(text), indent=2) for text in texts),
    "Docker": docker,
    "CRI": lambda texts: "".join(f"{TIME} stdout F {text}\n" for text in texts),
    "CloudWatch": cloudwatch,
}


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_records_of_any_envelope_are_read(form: str, ensure_ascii: bool) -> None:
    texts = [json.dumps(event, ensure_ascii=ensure_ascii) for event in EVENTS]
    for size in (7, 1 << 16):
        found = count([RULE], chunks(FORMS[form](texts).encode(), size), samples=100, framing=AUTO)
        assert (found.counts.by_rule, found.counts.lines) == ([SERIOUS], 60)
        assert len(found.lines) == SERIOUS


def test_the_message_field_is_what_is_read() -> None:
    entries = [{"log": json.dumps(event), "level": "error", "http": {"status": 503}} for event in EVENTS]
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    assert count([RULE], [text.encode()], framing={**AUTO, "message_field": "log"}).counts.by_rule == [SERIOUS]
    assert count([RULE], [text.encode()], framing=AUTO).counts.by_rule == [60]


def test_all_of_a_rule_must_hold() -> None:
    lines = [
        '{"level":"error","message":"order 1 failed"}',
        '{"level":"error","message":"order 2 failed","path":"/healthz"}',
        '{"level":"error","message":"user 3 failed"}',
        '{"level":"info","message":"order 4 failed"}',
        'order 5 failed {"level":"error"}',
    ]
    where = {"name": "orders", "where": {"level": "error"}, "pattern": "order \\d", "exclude": "healthz"}
    rules = [Rule.model_validate(where), Rule.model_validate(where | {"name": "two", "threshold": 2})]
    found = count(rules, ["\n".join(lines).encode()])
    assert (found.counts.by_rule, found.counts.matched) == ([1, 1], 1)


def test_a_record_that_was_cut_is_not_json() -> None:
    record = json.dumps({"level": "error", "http": {"status": 503}, "message": "x" * 2000}).encode()
    assert count([RULE], [record]).counts.by_rule == [1]
    cut = count([RULE], [record], max_record_bytes=1000)
    assert (cut.counts.by_rule, cut.scan.cut_records) == ([0], 1)
