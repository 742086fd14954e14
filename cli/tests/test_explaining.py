"""What `why` says of every phase and reason."""

from typing import Any

import pytest

from kubectl_logscan.explaining import explain
from logscan_api.exitcodes import Reason

STATES = [(phase, reason) for reason in Reason for phase in reason.phases]


def scan(phase: str, reason: str, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "a"},
        "spec": {},
        "status": {"phase": phase, "reason": reason, "message": "m", **status},
    }


@pytest.mark.parametrize(("phase", "reason"), STATES)
def test_every_state_is_explained(phase: str, reason: Reason) -> None:
    found = explain(scan(phase, reason))
    assert (found.phase, found.reason, found.message) == (phase, reason, "m")
    assert found.next.endswith(".")
    assert found.advice.endswith(".")


@pytest.mark.parametrize(("phase", "reason"), [state for state in STATES if state[0] == "Failed"])
def test_a_failed_scan_is_run_again_unless_its_object_has_changed(phase: str, reason: Reason) -> None:
    advice = explain(scan(phase, reason)).advice
    assert ("kubectl logscan retry a" in advice) is (reason is not Reason.SUPERSEDED)
    assert advice.startswith(reason.advice)


def test_the_job_is_named() -> None:
    found = explain(scan("Running", "JobCreated", job={"name": "a-1"}, attempts=5, priorAttempts=3))
    assert "kubectl logs -f job/a-1" in found.advice
    assert "attempt 2" in found.next


def test_the_time_of_the_next_attempt_is_shown() -> None:
    assert "2026-11-24T08:00:00Z" in explain(scan("Queued", "Backoff", retryTime="2026-11-24T08:00:00Z")).next


def test_a_scan_that_no_operator_has_seen_waits() -> None:
    found = explain({"metadata": {"name": "a"}, "spec": {}})
    assert (found.phase, found.reason) == ("Pending", "Waiting")
    assert "no operator" in found.advice


def test_a_reason_of_a_newer_operator_is_kept() -> None:
    found = explain(scan("Queued", "Fancy"))
    assert found.reason == "Fancy"
    assert "install" in found.advice


def test_a_message_cannot_control_the_terminal() -> None:
    assert "\x1b" not in explain({**scan("Failed", "JobFailed"), "status": {"message": "a\x1b[2Jb"}}).message


@pytest.mark.parametrize(("ttl", "text"), [("never", "kept"), (60, "60 seconds"), (None, "default time")])
def test_what_happens_to_an_ended_scan(ttl: object, text: str) -> None:
    ended = scan("Succeeded", "Completed")
    ended["spec"] = {} if ttl is None else {"ttlSecondsAfterFinished": ttl}
    assert text in explain(ended).next
