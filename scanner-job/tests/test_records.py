"""Records told apart by content: what Python's json and codecs read is what the engine scans, however it is cut."""

import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from corpora import chunks, count
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logscan_api.rules import Rule
from logscan_engine import InvalidRuleError
from logscan_scanner.localfile import scan_file

ANY = Rule(name="any", pattern="^")
AUTO: dict[str, str | None] = {"framing": "Auto"}
NOON = 1_795_521_605  # 2026-11-24T12:00:05Z

# Text that looks like what it stands in.
LETTERS = 'ab{}[]",:\\\n\té\U0001f600'
texts = st.text(st.sampled_from(LETTERS), max_size=12)
coloured_texts = st.text(st.sampled_from(f"{LETTERS}\x1b"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
documents = st.lists(st.dictionaries(texts, values, max_size=3), min_size=1, max_size=6)
envelopes: dict[str, Callable[[list[Any], int | None], str]] = {
    "Records": lambda found, indent: json.dumps({"Records": found}, indent=indent),
    "array": lambda found, indent: json.dumps(found, indent=indent),
    "concatenated": lambda found, indent: "".join(json.dumps(one, indent=indent) for one in found),
    "several": lambda found, indent: "".join(json.dumps({"Records": [one]}, indent=indent) for one in found),
    "Config": lambda found, indent: json.dumps({"fileVersion": "1", "configurationItems": found}, indent=indent),
}


def records(data: bytes, size: int = 1 << 16, **framing: str | None) -> list[bytes]:
    """Return the records that the engine scans of an input in pieces."""
    found = count([ANY], chunks(data, size), samples=100_000, framing={"framing": "Auto", **framing})
    assert found.scan.cut_records == 0
    return [line.text for line in found.lines]


@settings(max_examples=300)
@given(documents, st.sampled_from(sorted(envelopes)), st.sampled_from([None, 0, 2]), st.integers(1, 40))
def test_documents_are_the_records_that_json_reads(found: list[Any], form: str, indent: int | None, size: int) -> None:
    text = envelopes[form](found, indent)
    got = [json.loads(record) for record in records(text.encode(), size, framing="Json")]
    if form == "Config":
        assert got.pop() == {"fileVersion": "1"}
    assert got == found


@example(["\x1b]\x1b\\"], 1)
@settings(max_examples=200)
@given(st.lists(coloured_texts, min_size=1, max_size=5), st.integers(1, 40))
def test_coloured_texts_containers_and_events_are_unescaped(messages: list[str], size: int) -> None:
    entries = [{"log": f"{m}\n", "stream": "stderr", "time": "2026-11-24T12:00:05.1Z"} for m in messages]
    events = [{"id": "1", "timestamp": NOON * 1000, "message": m} for m in messages]
    for number, text in enumerate(
        [
            "".join(json.dumps(entry) + "\n" for entry in entries),
            json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}),
        ]
    ):
        found = count([ANY], chunks(text.encode(), size), samples=100, framing=AUTO)
        wanted = [m if number == 0 else m.removesuffix("\n") for m in messages]
        assert [line.text.decode() for line in found.lines] == [colourless(m.replace("\n", " ")) for m in wanted]
        assert found.counts.span == (NOON, NOON)


def colourless(text: str) -> str:
    """Return a text without control sequences."""
    return re.sub(r"\x1b(\[[\x30-\x3f]* ?[\x40-\x7e]|\][^\x00-\x1f]*(\x07|\x1b\\))", "", text)


@example("a\r\r\n", "utf-16-le", 1)
@settings(max_examples=200)
@given(
    st.text(st.sampled_from("ab \n\r\té€\U0001f600"), min_size=4, max_size=80).filter(lambda text: "\n" in text),
    st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"]),
    st.integers(1, 30),
)
def test_what_codecs_decode_is_scanned(text: str, codec: str, size: int) -> None:
    data = f"\ufeff{text}".encode(codec)
    found = count([ANY], chunks(data, size), samples=1000, framing=AUTO)
    lines = text.split("\n")
    lines = [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
    assert [line.text.decode() for line in found.lines[:-1]] == lines[:-1]
    # A carriage return at the very end may be half of a line end.
    assert found.lines[-1].text.decode() in (lines[-1], f"{lines[-1]}\r")
    for line in found.lines:  # each is where it is said to be
        assert data[line.offset :].decode(codec).startswith(line.text.decode())


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([b"a", b"\0" * 600, b"\0" * 511, b"\0", b"\n", b"bc"]), max_size=12), st.integers(1, 900)
)
def test_holes_end_lines_and_hide_none(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    if len(data) >= 4 and not data.strip(b"\0"):
        assert records(data, size) == []
        return
    body = b"x\n" + data
    wanted = [line for part in re.split(rb"\0{512,}", body) for line in part.split(b"\n")]
    assert [line for line in records(body, size) if line] == [line for line in wanted if line]


def event(number: int, name: str, error: str | None = None) -> dict[str, Any]:
    """Return an event as CloudTrail writes it."""
    time = f"2026-11-24T10:{number // 60:02}:{number % 60:02}Z"
    more = {"errorCode": error} if error else {}
    return {"eventVersion": "1.08", "eventTime": time, "eventName": name, **more, "requestParameters": {"n": number}}


def scanned(tmp_path: Path, data: bytes, rules: str) -> dict[str, Any]:
    """Return what the scanner prints of a file."""
    (tmp_path / "log").write_bytes(data)
    (tmp_path / "rules.yaml").write_text(rules)
    return scan_file(str(tmp_path / "log"), str(tmp_path / "rules.yaml"))


def test_a_cloudtrail_object_counts_events(tmp_path: Path) -> None:
    events = [event(n, "GetObject", "AccessDenied" if n % 4 == 0 else None) for n in range(399)]
    events.append(event(399, "StopLogging"))
    data = gzip.compress(json.dumps({"Records": events}, separators=(",", ":")).encode())
    flat = [json.dumps(one, separators=(",", ":")) for one in events]
    rules = {"denied": "AccessDenied", "stopped": '"eventName":"StopLogging"', "both": "Denied.*Denied"}
    found = scanned(tmp_path, data, json.dumps({"inline": [{"name": n, "pattern": p} for n, p in rules.items()]}))
    assert found["byRule"] == {name: sum(bool(re.search(p, line)) for line in flat) for name, p in rules.items()}
    assert found["byRule"] == {"denied": 100, "stopped": 1, "both": 0}
    assert (found["lines"], found["matchedLines"]) == (400, 101)
    (sample,) = [sample for sample in found["samples"] if sample["rule"] == "stopped"]
    assert (sample["line"], json.loads(sample["text"])) == (400, events[-1])
    assert gzip.decompress(data)[sample["offset"] :].startswith(b'{"eventVersion"')
    assert (found["firstMatch"], found["lastMatch"]) == ("2026-11-24T10:00:00+00:00", "2026-11-24T10:06:39+00:00")


def test_the_last_event_of_a_large_object_is_found(tmp_path: Path) -> None:
    events = [event(n % 3600, "GetObject") for n in range(20_000)] + [event(0, "StopLogging")]
    data = json.dumps({"Records": events}).encode()
    assert len(data) > 2 << 20, "longer than a record may be"
    found = scanned(tmp_path, data, "inline: [{name: stopped, pattern: StopLogging}]")
    assert (found["lines"], found["byRule"], found["incomplete"]) == (20_001, {"stopped": 1}, [])


def test_a_record_that_was_cut_is_said(tmp_path: Path) -> None:
    events = [{"a": "x" * (2 << 20), "b": "ERROR"}, {"b": "ERROR"}]
    found = scanned(tmp_path, json.dumps({"Records": events}).encode(), "inline: [{name: e, pattern: ERROR}]")
    assert (found["lines"], found["byRule"]) == (2, {"e": 1})
    (part,) = found["incomplete"]
    assert part["reason"] == "MaxRecordBytes"
    assert found["samples"][0]["line"] == 2


def test_container_logs_are_what_programs_wrote(tmp_path: Path) -> None:
    lines = ["\x1b[31mERROR\x1b[0m red", "\tERROR tabbed", "E1124 07:50:13.000001 1 x.go:1] klog", "fine"]
    docker = "".join(
        json.dumps({"log": f"{line}\n", "stream": "stdout", "time": f"2026-11-24T12:00:0{n}.1Z"}) + "\n"
        for n, line in enumerate(lines)
    )
    cri = "".join(f"2026-11-24T12:00:0{n}.1Z stdout F {line}\n" for n, line in enumerate(lines))
    rules = "inline: [{name: word, pattern: '\\bERROR\\b'}, {name: klog, pattern: '^E\\d{4} '}]"
    coloured = {"level": "\x1b[31mERROR\x1b[39m"}
    found = scanned(tmp_path, f"{json.dumps(coloured)}\n".encode(), rules)
    assert found["byRule"] == {"word": 1, "klog": 0}
    for text in (docker, cri, "".join(f"{line}\n" for line in lines)):
        found = scanned(tmp_path, text.encode(), rules)
        assert (found["byRule"], found["lines"]) == ({"word": 2, "klog": 1}, 4)
    found = scanned(tmp_path, docker.encode(), rules)
    assert (found["firstMatch"], found["lastMatch"]) == ("2026-11-24T12:00:00+00:00", "2026-11-24T12:00:02+00:00")


def test_a_hole_of_gigabytes_hides_no_line() -> None:
    hole = [b"\0" * (1 << 20)] * 200
    found = count([ANY], [*hole, b"2026 first\n", *hole, b"2026 last\n"], samples=5, framing=AUTO)
    assert [(line.text, line.offset) for line in found.lines] == [
        (b"2026 first", 200 << 20),
        (b"2026 last", (400 << 20) + 11),
    ]
    assert found.scan.cut_records == 0


@pytest.mark.parametrize("framing", ["Auto", "Lines"])
def test_lines_are_as_grep_reads_them(framing: str) -> None:
    lines = [b'{"a": 1}', b'{"Records": 5}', b"\xff\xfe not UTF-16", b"[{", b"", b"a\rb", b"2026 x \xe4"]
    assert records(b"".join(line + b"\n" for line in lines), framing=framing) == lines


def test_events_over_several_lines_are_records() -> None:
    lines = [f"2026-11-24 10:00:{n:02} ERROR {n}\n\tat a.b({n})\n\n  more" for n in range(50)]
    wrapped = "".join(f"2026-11-24T12:00:05.1Z stdout F {line}\n" for line in "\n".join(lines).split("\n"))
    for text in ("\n".join(lines), wrapped):
        got = records(text.encode(), 7, framing="Multiline", start=r"^\d{4}-\d\d-\d\d ")
        assert got == [line.replace("\n", " ").encode() for line in lines]
    with pytest.raises(InvalidRuleError):
        records(b"", framing="Multiline", start="(")
    with pytest.raises(ValueError, match="Multiline"):
        records(b"", framing="Multiline")


def test_a_field_may_hold_the_message() -> None:
    entries = [{"date": datetime.fromtimestamp(NOON, UTC).isoformat(), "log": "E \x1b[1mx\n"}, {"msg": 1}]
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    assert records(text.encode(), message_field="log") == [b"E x", b'{"msg": 1}']
    assert records(json.dumps(entries).encode(), message_field="log") == [b"E x", b'{"msg": 1}']
