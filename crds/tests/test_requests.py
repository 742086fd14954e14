"""The request that a Job gets: its limits, its form in the environment, and how large it can become."""

import base64
import gzip
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.errors import MalformedRequestError, RequestTooLargeError
from logscan_api.framing import Framing, Records
from logscan_api.identity import partition_key, sort_key
from logscan_api.logscans import Limits
from logscan_api.models import MOST
from logscan_api.notify import Notify
from logscan_api.packs import load_pack, pack_names
from logscan_api.requests import (
    DEFAULT_LIMITS,
    GZIPPED,
    MAX_JSON_BYTES,
    MAX_VARIABLE_BYTES,
    PLAIN_BYTES,
    REQUEST_VARIABLE,
    ObjectRows,
    Report,
    ScanIdentity,
    ScanRequest,
    joined,
    outcome_hash,
    resolve_limits,
    split,
)
from logscan_api.rules import INLINE_BYTES, MOST_PACKS, MOST_RULE_SETS, Rule, Severity
from logscan_api.rulesets import MOST_RULES
from logscan_api.sources import MOST_OBJECTS, OBJECTS_BYTES, S3Object, S3Source
from logscan_api.statuses import ResultRef

CONTROL = [chr(n) for n in range(32)]
PRINTABLE = [chr(n) for n in range(32, 127)]
URL = [chr(n) for n in range(33, 127)]
ALPHABETS = {
    # What deflate makes least of: control characters, which JSON writes as \u00XX, among others.
    "mixed": CONTROL * 9 + PRINTABLE * 2,
    "control": CONTROL,
    "printable": PRINTABLE,
    "escaped": ['"', "\\", "$", "\x7f"],
    "latin": [chr(n) for n in range(0x80, 0x800)],
    "ideographs": [chr(n) for n in range(0x4E00, 0x9FFF)],
    "emoji": [chr(n) for n in range(0x1F300, 0x1FAFF)],
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


def request(patterns: Sequence[str] = ("y\\d",), key: str = "größe", **more: Any) -> ScanRequest:
    return ScanRequest(
        scan=ScanIdentity(namespace="n", name="a", uid="u", attempt=1),
        source=S3Source(bucket="logs", key=key),
        rules=[Rule(name=f"r{n}", pattern=pattern) for n, pattern in enumerate(patterns)],
        limits=resolve_limits(),
        tokens=["t" * 64],
        result=ResultRef(table="t", pk="p", sk="s"),
        **more,
    )


def noise(alphabet: Sequence[str], size: int, seed: int) -> str:
    """Return text of exactly so many bytes that cannot be compressed; ASCII fills the end."""
    chance, text = random.Random(seed), ""
    text = "".join(chance.choices(alphabet, k=size)).encode()[:size].decode(errors="ignore")
    return text + "x" * (size - len(text.encode()))


def shared(text: str, number: int) -> dict[str, Any]:
    """Return a text as what else a rule has: what excludes lines, or a field and its values."""
    half = len(text) // 2
    return {"exclude": text} if number % 2 else {"where": {text[:half]: [text[half:]]}}


def noisy_rules(alphabet: Sequence[str], count: int, seed: int) -> list[Rule]:
    """Return so many rules that have as much text as those of a LogScan or of a rule set may have together."""
    sizes = _sizes(INLINE_BYTES, 2 * count, 1024)
    texts = [noise(alphabet, size, seed * 1000 + n) for n, size in enumerate(sizes)]
    names = [noise([*"abcdefghijklmnopqrstuvwxyz0123456789"], 63, seed * 1000 + n) for n in range(count)]
    facts = [{"severity": "warning", "ignore_case": n % 2 == 0, "threshold": 10**9 - n} for n in range(count)]
    return [
        Rule(name=name, pattern=texts[2 * n], **shared(texts[2 * n + 1], n), **facts[n])  # type: ignore[arg-type]
        for n, name in enumerate(names)
    ]


def largest_source(alphabet: Sequence[str], seed: int) -> S3Source:
    """Return an object with the longest key and version."""
    key, version = noise(alphabet, 1024, seed), noise(alphabet, 1024, seed + 1)
    return S3Source(bucket="b" * 63, key=key, version_id=version, etag=noise(alphabet, 128, 3), sequencer="F" * 64)


def most_objects(alphabet: Sequence[str], seed: int) -> S3Source:
    """Return as many objects as there may be, with as much text as they may have together."""
    sizes = _sizes(OBJECTS_BYTES, MOST_OBJECTS, 1024)
    objects = [S3Object(key=noise(alphabet, size, seed + n), size=MOST - n) for n, size in enumerate(sizes)]
    return S3Source(bucket="b" * 63, objects=objects)


def largest_request(alphabet: Sequence[str], seed: int, source: S3Source) -> ScanRequest:
    """Return a request that fills every bound of the CRDs with noise, the largest packs among its rules."""
    packs = sorted((load_pack(name) for name in pack_names()), key=lambda pack: len(pack.model_dump_json()))
    own = noisy_rules(alphabet, 100, seed * 10)
    for number in range(MOST_RULE_SETS):
        own += noisy_rules(alphabet, MOST_RULES, seed * 10 + number + 1)
    chance = random.Random(seed)
    tokens = [[chance.randbytes(32).hex() for _ in range(2)] for _ in source.objects or []]
    addresses = [f"{noise([c for c in URL if c not in '@<>,;'], 200, n)}@{'d' * 53}" for n in range(20)]
    notify = {
        "email": {"to": addresses},
        "sns": {"topicArn": f"arn:aws:sns:eu-central-1:111122223333:{noise([*'abcXYZ0129-_'], 256, 5)}"},
        "webhook": {"url": "https://" + noise(URL, 2040, 6)},
    }
    return ScanRequest(
        scan=ScanIdentity(namespace="n" * 63, name=noise([*"abcdefghij0123456789"], 253, 7), uid="u" * 36, attempt=10),
        source=source,
        rules=[*(r.rule for pack in packs[-MOST_PACKS:] for r in pack.rules), *own],
        limits=resolve_limits(Limits(max_bytes=MOST, max_decompressed_bytes=MOST)),
        tokens=["t" * 64],
        result=ResultRef(
            table="t" * 255,
            pk=partition_key("n" * 63, source, "u" * 36),
            sk=sort_key(source, "u" * 36, "0" * 16, own=False),
        ),
        rows=ObjectRows(outcome="0" * 16, prior_attempts=10**6, tokens=tokens) if tokens else None,
        report=Report(bucket="r" * 63),
        notify=Notify.model_validate(notify),
        sender=noise([*"abcdefghij.-"], 254, 8),
        webhook_internal=[noise([*"abcdefghijklmnopqrstuvwxyz"], 249, n) for n in range(4)],
    )


def _sizes(total: int, parts: int, most: int) -> list[int]:
    """Return sizes of parts that add up to a total, each of them allowed."""
    even = total // parts
    assert even <= most
    return [even + 1] * (total - even * parts) + [even] * (parts - total + even * parts)


def test_the_outcome_is_named_by_all_that_changes_it_and_by_nothing_else() -> None:
    one, two = Rule(name="one", pattern="a"), Rule(name="two", pattern="b")
    limits = resolve_limits()
    records = Records()
    same = outcome_hash([one, two], limits, records)
    assert (outcome_hash([two, one], limits, records), len(same)) == (same, 16)
    for changed in ({"severity": Severity.INFO}, {"redact": False}, {"pattern": "c"}, {"threshold": 2}):
        assert outcome_hash([one, two.model_copy(update=changed)], limits, records) != same, changed
    for field, value in limits.model_dump().items():
        assert outcome_hash([one, two], limits.model_copy(update={field: value + 1}), records) != same, field
    for other in (Records(framing=Framing.LINES), Records(message_field="log")):
        assert outcome_hash([one, two], limits, other) != same, other


def test_the_first_layer_that_sets_a_limit_wins() -> None:
    scan, policy = Limits(max_bytes=1), Limits(max_bytes=2, max_record_bytes=512)
    resolved = resolve_limits(scan.over(policy))
    assert (resolved.max_bytes, resolved.max_record_bytes) == (1, 512)
    assert resolved.context_lines == DEFAULT_LIMITS.context_lines


@given(TEXT, st.lists(TEXT, min_size=1, max_size=30))
def test_a_request_survives_the_environment(key: str, patterns: list[str]) -> None:
    wanted = request(patterns, key)
    text = wanted.to_variable()
    assert ScanRequest.from_variable(text) == wanted
    assert "\0" not in text


def test_a_short_request_can_be_read_by_people_and_a_long_one_is_packed() -> None:
    assert json.loads(request().to_variable())["source"]["key"] == "größe"
    long = request(["x" * 1024] * 100)
    text = long.to_variable()
    assert text.startswith(GZIPPED)
    assert len(text) < PLAIN_BYTES
    assert text == ScanRequest.from_variable(text).to_variable()


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_whatever_the_crd_accepts_starts_a_process(alphabet: str) -> None:
    for seed, source in enumerate((largest_source, most_objects)):
        wanted = largest_request(ALPHABETS[alphabet], seed, source(ALPHABETS[alphabet], seed))
        variables = split(wanted.to_variable())
        assert all(len(f"{name}={value}\0") <= MAX_VARIABLE_BYTES for name, value in variables.items())
        program = "import json, os, sys; json.dump(dict(os.environ), sys.stdout)"
        command = [sys.executable, "-I", "-c", program]
        got = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        assert ScanRequest.from_variable(joined(json.loads(got.stdout)) or "") == wanted


def test_a_request_needs_the_further_variables_only_when_it_is_long() -> None:
    assert joined({}) is None
    assert list(split(request().to_variable())) == [REQUEST_VARIABLE]
    text = "x" * (2 * MAX_VARIABLE_BYTES)
    assert list(split(text)) == [REQUEST_VARIABLE, f"{REQUEST_VARIABLE}_2", f"{REQUEST_VARIABLE}_3"]
    assert joined({**split(text), "HOME": "/"}) == text


def test_what_linux_would_not_start_is_refused_with_advice() -> None:
    chance = random.Random(1)
    patterns = ["".join(chance.choices(PRINTABLE, k=1024)) for _ in range(1000)]
    with pytest.raises(
        RequestTooLargeError, match=r"bytes in the Job, which may have 1,04\d,\d+: use fewer or shorter"
    ):
        split(request(patterns).to_variable())
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["/bin/true"], env={REQUEST_VARIABLE: "".join(patterns)}, check=True)


def packed(document: bytes) -> str:
    return GZIPPED + base64.b64encode(gzip.compress(document)).decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("{}", "scan: is required"),
        ("[" * 100_000, "is not JSON"),
        (GZIPPED, "cut off"),
        (GZIPPED + "%%%%", "no gzip in base64"),
        (GZIPPED + "aGVsbG8=", "no gzip in base64"),
        (packed(b"{}"), "scan: is required"),
        (packed(b"{}" * 1000)[:41], "cut off"),
        (packed(b" " * (MAX_JSON_BYTES + 1)), "longer than"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, words: str) -> None:
    with pytest.raises(MalformedRequestError, match=words):
        ScanRequest.from_variable(text)
