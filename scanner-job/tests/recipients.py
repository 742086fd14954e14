"""A result to tell of, the request of its scan, channels with Secrets, and what stands for the result table."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from logscan_api.attributes import Item
from logscan_api.exitcodes import ExitCode
from logscan_api.incomplete import Incomplete
from logscan_api.notify import Channel, ChannelType, Notify, SecretKey
from logscan_api.requests import ScanIdentity, ScanRequest, resolve_limits
from logscan_api.results import Sample
from logscan_api.rules import Rule, Severity
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_api.table import Call
from logscan_local.testkit import results
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting import messages
from logscan_scanner.reporting.messages import Message

RESULT = results.RESULT.model_copy(
    update={
        "key": "app/<b>\n.log",
        "lines": 1000,
        "matched_lines": 12,
        "by_rule": {"fatal": 2, "slow": 10, "none": 0},
        "by_severity": {Severity.CRITICAL: 2, Severity.WARNING: 10},
        "severities": {"fatal": Severity.CRITICAL, "slow": Severity.WARNING, "none": Severity.INFO},
        "samples": [Sample(rule="fatal", line=7, offset=0, text="<script>alert(1)</script>")],
    }
)
PARTS = [
    Incomplete(reason="MatchLimit", rule="slow", message="the rule took too many steps on a line"),
    Incomplete(reason="Damaged", object="a<b>\n.gz", message="cut off"),
]


def request(notify: Notify | None = None, sender: str | None = "logscan@example.com") -> ScanRequest:
    return ScanRequest(
        scan=ScanIdentity(namespace="n", name="s", uid="u", attempt=1),
        source=S3Source(bucket="logs", key="app.log"),
        rules=[Rule(name="fatal", pattern="FATAL")],
        limits=resolve_limits(),
        tokens=["t" * 64],
        result=ResultRef(table="t", pk="p", sk="s"),
        notify=notify,
        sender=sender,
        webhook_internal=["127.0.0.0/8"],
    )


def channel(kind: ChannelType, name: str, signed: bool = False) -> Channel:
    """Return a channel whose secrets are in the Secret `hooks`."""
    signing = SecretKey(name="hooks", key="signingRef") if signed else None
    return Channel(name=name, type=kind, secret_ref=SecretKey(name="hooks", key="secretRef"), signing_ref=signing)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables, as the kubelet does with Secrets."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


class Notifications:
    """The result table's part: what was recorded and noted."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.recorded: set[tuple[str, str]] = set()
        self.notes: dict[str, str] = {}

    def sent(self, ref: ResultRef, scan_uid: str) -> set[str]:
        if self.broken:
            raise ScanError("no", ExitCode.ACCESS_DENIED)
        return {channel for uid, channel in self.recorded if uid == scan_uid}

    def note_sent(self, ref: ResultRef, scan_uid: str, channel: str, now: str, grouped: bool = False) -> None:
        if self.broken:
            raise ScanError("no", ExitCode.ACCESS_DENIED)
        self.recorded.add((scan_uid, channel))

    def update(self, call: Call) -> Item | None:
        raise ScanError("groups are tried on a table", ExitCode.ACCESS_DENIED)

    def note_error(self, ref: ResultRef, scan_uid: str, channel: str, error: str) -> None:
        self.notes[channel] = error


HOSTILE = "<!channel> <https://evil.example|click> &amp; `code` *bold* _it_ @here [x](https://evil.example) \x1b[2J\r\n"
LONG = "<&>`" * 5000


def message(text: str = HOSTILE, rules: int = 3, samples: int = 10) -> Message:
    """Return the message about a scan whose log, key and rules are full of a text."""
    names = [f"r{number}" for number in range(rules)]
    result = RESULT.model_copy(
        update={
            "key": text,
            "by_rule": dict.fromkeys(names, 5),
            "severities": dict.fromkeys(names, Severity.CRITICAL),
            "samples": [Sample(rule="r0", line=7, offset=0, text=text, key=text)] * samples,
            "incomplete": PARTS,
            "html_report_uri": f"s3://reports/{text}",
        }
    )
    return messages.of_result(request(), result)
