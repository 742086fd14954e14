"""A failure that its own scan could not notify of: `logscan-scanner notify`, as the operator's Job runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recipients import channel, request
from webhooks import Hook

from logscan_api import groups
from logscan_api.exitcodes import ExitCode
from logscan_api.notify import Channel, ChannelType, Notify, When
from logscan_api.requests import NoticeRequest, Request, ScanRequest
from logscan_api.statuses import ResultRef
from logscan_scanner import aws, program
from logscan_scanner.reporting import messages, notifying
from logscan_scanner.reporting.grouping import Group

REASON, WHY = "OutOfMemory", "the scanner used more memory than its limit"


def notice(scan: ScanRequest, **changes: Any) -> NoticeRequest:
    """Return the request of the Job that notifies of the failure of a scan."""
    common = {name: getattr(scan, name) for name in Request.model_fields if name != "schema_version"}
    return NoticeRequest(**{**common, **changes}, reason=REASON, message=WHY)


def told(kind: ChannelType, name: str, when: When, group_seconds: int = 0) -> Channel:
    return channel(kind, name).model_copy(update={"when": when, "group_seconds": group_seconds})


@pytest.fixture
def notify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return what runs the program with a request, and returns its exit code and termination message."""

    def run(wanted: NoticeRequest) -> tuple[int, str]:
        monkeypatch.setenv("LOGSCAN_TERMINATION_PATH", str(tmp_path / "words"))
        monkeypatch.setenv("LOGSCAN_REQUEST", wanted.to_variable())
        code = program.main(["notify"])
        return code, json.loads((tmp_path / "words").read_text())["message"]

    return run


def test_a_process_of_the_image_tells_those_who_want_failures(hook: Hook, tmp_path: Path) -> None:
    channels = [told(ChannelType.WEBHOOK, str(when).lower(), when) for when in When]
    wanted = notice(request(Notify(channels=channels)))
    variables = {
        "LOGSCAN_REQUEST": wanted.to_variable(),
        "LOGSCAN_TERMINATION_PATH": str(tmp_path / "words"),
        **{f"LOGSCAN_CHANNEL_{number}_SECRET": hook.url for number in range(1, 4)},
    }
    ended = subprocess.run(
        [sys.executable, "-m", "logscan_scanner", "notify"], env={**os.environ, **variables}, check=False
    )
    assert ended.returncode == ExitCode.DONE
    assert [(found["event"], found["reason"], found["message"]) for found in hook.posted] == [
        ("ScanFailed", REASON, WHY),
        ("ScanFailed", REASON, WHY),
    ]
    names = [messages.of_failure(wanted, REASON, WHY).id_for(f"channels/{when}") for when in ("always", "failure")]
    assert [found["id"] for found in hook.posted] == names
    assert [headers["webhook-id"] for headers, _ in hook.requests] == names


def test_it_has_the_name_that_the_scan_itself_would_give_it() -> None:
    scan = request()
    names = {messages.of_failure(found, REASON, WHY).id_for("channels/a") for found in (scan, notice(scan))}
    assert len(names) == 1


def test_it_is_grouped_with_others_of_the_policy(
    cloud: Any, hook: Hook, notify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGSCAN_CHANNEL_1_SECRET", hook.url)
    slack = told(ChannelType.SLACK, "team", When.FAILURE, 60)
    row = ResultRef(table="results", pk="p", sk="s")
    first = notice(request(Notify(channels=[slack])), policy="p", result=row)
    third = first.model_copy(update={"scan": first.scan.model_copy(update={"uid": "third"})})
    group = Group(groups.group_of("results", "n", "p", "channels/team"), "second", groups.FAILED, 60, aws.Results())
    monkeypatch.setattr(notifying, "time", lambda: 1_000_000)
    assert notify(first) == (ExitCode.DONE, "the notifications were sent")
    assert group.enter(1_000_001).wakes is not None
    assert notify(third)[0] == ExitCode.DONE
    assert len(hook.posted) == 1, "the third is counted in the message of the second, which waits"
    assert group.wake(1_000_060).others == {"failed": 1}


def test_what_was_not_sent_is_in_the_termination_message(hook: Hook, notify: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(notifying, "PAUSES", ())
    monkeypatch.setenv("LOGSCAN_CHANNEL_2_SECRET", hook.url)
    hook.status = 500
    channels = [told(ChannelType.WEBHOOK, name, When.FAILURE) for name in ("lacking", "broken")]
    code, words = notify(notice(request(Notify(channels=channels))))
    assert code == ExitCode.DONE, "the other channels would be told again"
    assert "channels/lacking: the Secret hooks has no key secretRef" in words
    assert "channels/broken: failed" in words


def test_a_scan_is_not_taken_for_a_notice(notify: Any) -> None:
    code, words = notify(request())
    assert (code, "reason: is required" in words) == (ExitCode.BAD_REQUEST, True)
