"""One input of each kind that logs were once read wrong in, with what a person reads in it."""

import bz2
import gzip
import json
import lzma
import zipfile
from dataclasses import dataclass, field
from typing import Any

from formats import COMPRESS, tarred, zipped

TIME = "2026-11-24T12:00:05+00:00"
ERROR: dict[str, Any] = {"inline": [{"name": "r", "pattern": "ERROR"}]}
TEN = b"".join(b"2026-11-24 12:00:05 %s %d\n" % ((b"INFO", b"ERROR")[n % 2], n) for n in range(10))


def rule(pattern: str, **more: object) -> dict[str, Any]:
    """Return a selection of one rule."""
    return {"inline": [{"name": "r", "pattern": pattern, **more}]}


@dataclass(frozen=True)
class Kind:
    """An input and what a scan of it finds.

    Attributes:
        content: The bytes of the object.
        rules: Packs, and rules of its own.
        lines: Records in it.
        counts: Lines of some rules; `r` is the inline rule.
        first: The time of the first match.
        shows: What its samples show.
        hides: What they hide.
        incomplete: Why not everything was read.
        unsupported: What it looks like, if it is no log.
    """

    content: bytes
    rules: dict[str, Any] = field(default_factory=lambda: ERROR)
    lines: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    first: str | None = None
    shows: str = ""
    hides: str = "\0"
    incomplete: list[str] = field(default_factory=list)
    unsupported: str = ""


def found(content: bytes, rules: dict[str, Any] = ERROR, lines: int = 10, hits: int = 5, **more: Any) -> Kind:
    """Return an input in which the inline rule matches so many lines of so many."""
    return Kind(content, rules, lines, {"r": hits}, **more)


def _container(text: str) -> bytes:
    return json.dumps({"log": f"{text}\n", "stream": "stderr", "time": "2026-11-24T12:00:05.1Z"}).encode() + b"\n"


def _cloudtrail(*records: dict[str, Any]) -> bytes:
    events = [{"eventTime": "2026-11-24T12:00:05Z", **record} for record in records]
    return gzip.compress(json.dumps({"Records": events}, separators=(",", ":")).encode())


def _opened(address: str, group: str = "AuthorizeSecurityGroupIngress") -> dict[str, Any]:
    ranges = {"items": [{"cidrIp": address}]}
    items = [{"ipProtocol": "tcp", "ipRanges": ranges}]
    return {"eventName": group, "requestParameters": {"ipPermissions": {"items": items}}}


_DENIED = {"eventName": "GetObject", "errorCode": "AccessDenied"}
_ALLOWED = {"eventName": "GetObject"}
_STOPPED = {"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com"}
_PADDED = {"eventName": "GetObject", "requestParameters": {"key": "k" * 300}}

TEXTS = {
    "UTF-16 with a mark": found(b"\xfe\xff" + TEN.decode().encode("utf-16-be")),
    "UTF-16 without one": found(TEN.decode().encode("utf-16-le")),
    "UTF-8 with a mark, ^": found(b"\xef\xbb\xbf" + TEN, rule("^2026.*INFO")),
    "UTF-8 with a mark, syslog": found(b"\xef\xbb\xbfNov 24 12:00:05 h x: ERROR\n", lines=1, hits=1, shows="Nov 24"),
    "UTF-8 with a mark, JSON": found(b'\xef\xbb\xbf{"ts":1795521605,"m":"ERROR"}\n', lines=1, hits=1, first=TIME),
    "carriage returns": found(TEN.replace(b"\n", b"\r")),
    "CRLF": found(TEN.replace(b"\n", b"\r\n"), rule(r"ERROR \d$")),
    "a hole": found(b"\0" * 4096 + TEN, rule("^2026.*INFO"), shows="2026-11-24 12:00:05 INFO 0"),
    "colours": found(TEN.replace(b"ERROR", b"\x1b[31mERROR\x1b[0m"), rule(r"\bERROR\b")),
    "colours in JSON": found(_container("\x1b[31mERROR\x1b[0m x") * 3, rule(r"\bERROR\b"), 3, 3, first=TIME),
    "an anchor within a container's line": found(_container("E1124 12:00:05.1 1 x.go:7] no"), rule("^E"), 1, 1),
    "CRI": found(b"2026-11-24T12:00:05.1Z stderr F E1124 x\n", rule("^E1124"), 1, 1, first=TIME),
    "a journal's export": found(
        b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795521605123456\nMESSAGE=ERROR x\n\n__CURSOR=s=2\nMESSAGE=y\n",
        ERROR,
        6,
        1,
        first=TIME,
    ),
    "a long line": found(b"x" * 300 + b" ERROR it " + b"y" * 300 + b"\n", lines=1, hits=1, shows="ERROR it"),
    "a traceback": found(
        b'ERROR:root:boom\nTraceback (most recent call last):\n  File "x.py", line 1, in f\nValueError: bad\n',
        lines=4,
        hits=1,
        shows="ValueError: bad",
    ),
    "a goroutine": found(
        b"panic: ERROR\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:7 +0x1\n",
        lines=5,
        hits=1,
        shows="main.go:7",
    ),
    "log4j's exception": found(
        b"ERROR boom\njava.io.IOException: reset\n\tat a.b(C.java:1)\nINFO x\n",
        lines=4,
        hits=1,
        shows="IOException: reset",
    ),
}

STORED = {
    **{kind: found(compress(TEN)) for kind, compress in COMPRESS.items()},
    "gzip members with something between": found(gzip.compress(TEN) + b"\n" + gzip.compress(TEN), lines=20, hits=10),
    "gzip and text": found(gzip.compress(TEN) + TEN, lines=20, hits=10),
    "bzip2 in zip": found(zipped({"a.log": TEN}, zipfile.ZIP_BZIP2)),
    "LZMA in zip": found(zipped({"a.log": TEN}, zipfile.ZIP_LZMA)),
    "tar in zip": found(zipped({"a.log": TEN, "b.tgz": gzip.compress(tarred({"b.log": TEN}))}), lines=20, hits=10),
    "zip in tar": found(gzip.compress(tarred({"a.log": TEN, "b.zip": zipped({"b.log": TEN})})), lines=20, hits=10),
    "an empty file in a streamed zip": found(zipped({"empty": b"", "a.log": TEN}, seekable=False)),
    "a damaged member": found(
        gzip.compress(tarred({"a.log": TEN, "b.gz": gzip.compress(TEN * 99)[:12], "c.log": TEN, "d.log": TEN})),
        lines=30,
        hits=15,
        incomplete=["Damaged"],
    ),
    "several methods in zip": found(
        zipped({"a.log": TEN, "b.bz2": bz2.compress(TEN), "c.xz": lzma.compress(TEN)}), lines=30, hits=15
    ),
}

NO_LOGS = {
    "Parquet": Kind(b"PAR1" + bytes(range(256)) * 4 + b"PAR1", unsupported="Parquet"),
    "a journal": Kind(b"LPKSHHRH" + bytes(range(256)) * 4, unsupported="journal"),
    "evtx": Kind(b"ElfFile\0" + bytes(range(256)) * 4, unsupported="evtx"),
    "encrypted": Kind(bytes((n * 197 + 91) % 256 for n in range(4096)), unsupported="binary"),
}

DOCUMENTS = {
    "CloudTrail": Kind(
        _cloudtrail(*[_DENIED] * 100, *[_ALLOWED] * 299, _STOPPED),
        {"packs": ["aws-cloudtrail"]},
        400,
        {"cloudtrail-denied": 100, "cloudtrail-trail-changed": 1},
        TIME,
        '"eventName":"StopLogging"',
    ),
    "CloudTrail over a megabyte": Kind(
        _cloudtrail(*[_PADDED] * 4000, _STOPPED), {"packs": ["aws-cloudtrail"]}, 4001, {"cloudtrail-trail-changed": 1}
    ),
    "two records of CloudTrail": Kind(
        _cloudtrail(_opened("10.0.0.0/8"), _opened("0.0.0.0/0", "AuthorizeSecurityGroupEgress")),
        {"packs": ["aws-cloudtrail"]},
        2,
        {"cloudtrail-ingress-opened": 0},
    ),
    "an array": found(json.dumps([{"m": f"ERROR {n}"} for n in range(50)]).encode(), lines=50, hits=50),
    "Firehose": found(b"".join(b'{"m":"%s"}' % (b"ERROR", b"INFO")[n % 2] for n in range(10))),
    "CloudWatch": found(
        gzip.compress(
            json.dumps(
                {
                    "messageType": "DATA_MESSAGE",
                    "logEvents": [{"id": "1", "timestamp": 1795521605000, "message": "ERROR"}] * 20,
                }
            ).encode()
        ),
        lines=20,
        hits=20,
        first=TIME,
    ),
    "VPC flow logs": found(
        b"version account-id\n" + b"2 1 eni-1 10.0.0.1 10.0.0.2 443 1 6 1 8 1795521605 1795521660 REJECT OK\n" * 5,
        rule(" REJECT "),
        6,
        5,
        first=TIME,
    ),
}

EXPRESSIONS = {
    "a class that ignores case": found(b"errors\nERRORS\n", rule("(?i)error[^a-z]"), 2, 0),
    "a rule that ignores case": found(b"failed\nFAILED\n", rule("fail[^a-z]", ignoreCase=True), 2, 0),
    "a group that repeats": found(b"the the cat\na cat\n", rule(r"\b(\w+) \g{1}\b"), 2, 1),
    "anything behind": found(b"id=7\nid=\n", rule(r"(?<=id=)\N"), 2, 1),
    "a quoted text": found(b"a.bx\naxbx\n", rule(r"\Qa.b\E(?=x)"), 2, 1),
    "a code point": found(b"Ax\nA\n", rule(r"\x{41}(?=x)"), 2, 1),
    "a quoted class": found(b".x\nQx\n", rule(r"[\Q.\E]x"), 2, 1),
    "an end of line": found(b"ERROR\nx\n", rule("ERROR|$"), 2, 2),
    "no boundary": found(b"a\nb c\n", rule(r"\B"), 2, 0),
    "blanks before a word": found(
        b"2026-11-24 ERROR [main] a.b.Db: timeout after\n" * 100, rule(r"ERROR.*:\s*timeout"), 100, 100
    ),
    "an alternative of blanks": found(
        b"ran curl http://a.example/x.sh |  python -c x\n", rule(r"curl.*\|\s*python"), 1, 1
    ),
    "quotes before a word": found(
        b"GET /abc status=502 -\"' upstream failed here\n", rule(r"status.*-[\"' ]*upstream"), 1, 1
    ),
}
