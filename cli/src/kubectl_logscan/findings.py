"""Findings of a report, read from its JSON Lines, and the scan that they are of."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from kubectl_logscan.errors import AwsError
from logscan_api.text import printable


@dataclass(frozen=True)
class Scanned:
    """What is known of a scan besides its findings.

    Attributes:
        name: The LogScan.
        bucket: The bucket.
        key: The object; empty if there are several, which findings name.
        version: The version of the object, or None.
        finished: When the scan ended, as Kubernetes writes times; None if the status has none.
        matched: Lines that matched; the report may have fewer.
        incomplete: What was not read or not counted, for people.
    """

    name: str
    bucket: str
    key: str
    version: str | None
    finished: str | None
    matched: int
    incomplete: tuple[str, ...]

    @classmethod
    def of(cls, scan: dict[str, Any]) -> "Scanned":
        """Return what a LogScan tells."""
        status, source = scan.get("status") or {}, scan["spec"]["source"]["s3"]
        summary = status.get("summary") or {}
        parts = [": ".join(filter(None, [p.get("reason"), p.get("rule")])) for p in summary.get("incomplete") or []]
        return cls(
            name=scan["metadata"]["name"],
            bucket=source["bucket"],
            key=source.get("key") or "",
            version=source.get("versionId"),
            finished=status.get("completionTime"),
            matched=summary.get("matchedLines") or 0,
            incomplete=tuple(parts),
        )


@dataclass(frozen=True)
class Finding:
    """A line that a rule matched. Its text is that of a log, without control characters.

    Attributes:
        rule: The rule.
        severity: Its severity; a newer scanner may have more of them.
        line: The number of the line, from 1.
        offset: The byte offset of the line in the decompressed input.
        text: The line, redacted and cut.
        bucket: The bucket.
        key: The object; a member of an archive follows after `!`.
    """

    rule: str
    severity: str
    line: int
    offset: int
    text: str
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """Return the object as a URI."""
        return f"s3://{self.bucket}/{quote(self.key, safe='/!', errors='replace')}"

    @property
    def identity(self) -> str:
        """Return what tells this finding from all others, and is the same in each report of the object."""
        parts = (self.bucket, self.key, self.rule, str(self.line), self.text)
        return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def read(lines: Iterable[bytes], scanned: Scanned, address: str) -> Iterator[Finding]:
    """Yield the findings in the lines of a report.

    Args:
        lines: JSON Lines.
        scanned: The scan.
        address: Where the report is, for the error.

    Raises:
        AwsError: The report is damaged.
    """
    for line in lines:
        try:
            found = json.loads(line)
            named = found.get("key") or ""
            yield Finding(
                rule=printable(found["rule"]),
                severity=printable(found["severity"]),
                line=max(1, int(found["line"])),
                offset=max(0, int(found["offset"])),
                text=printable(found["text"]),
                bucket=scanned.bucket,
                key=f"{scanned.key}{named}" if not named or named.startswith("!") else named,
            )
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise AwsError(f"{address} is damaged: run the scan again with `kubectl logscan retry`") from error
