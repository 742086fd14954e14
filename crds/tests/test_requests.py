"""The request that a Job gets, and the limits in it."""

from logscan_api.exitcodes import ExitCode, permanent_codes
from logscan_api.logscans import Limits, S3Source
from logscan_api.requests import DEFAULT_LIMITS, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.statuses import Phase, ResultRef


def test_the_first_layer_that_sets_a_limit_wins() -> None:
    scan, policy = Limits(max_bytes=1), Limits(max_bytes=2, max_line_bytes=512)
    resolved = resolve_limits(scan, None, policy)
    assert (resolved.max_bytes, resolved.max_line_bytes) == (1, 512)
    assert resolved.max_objects == DEFAULT_LIMITS.max_objects


def test_a_request_survives_the_environment() -> None:
    request = ScanRequest(
        scan=ScanIdentity(namespace="n", name="a", uid="u", attempt=1),
        source=S3Source(bucket="logs", key="größe"),
        rules=[Rule(name="x", pattern="y\\d")],
        limits=resolve_limits(),
        result=ResultRef(table="t", pk="p", sk="s"),
    )
    assert ScanRequest.model_validate_json(request.to_json()) == request


def test_permanent_exits_are_those_that_fail_a_job_at_once() -> None:
    assert permanent_codes() == [64, 65, 66, 67, 68, 69, 77]
    assert not ExitCode.TRY_AGAIN.permanent
    assert not ExitCode.INTERNAL_ERROR.permanent


def test_every_exit_has_a_reason() -> None:
    assert len({code.reason for code in ExitCode}) == len(ExitCode)


def test_finished_phases() -> None:
    assert [phase for phase in Phase if phase.finished] == [Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED]
