"""What the texts of an API server (v1.36), and those of Kyverno and Gatekeeper in it, mean."""

import pytest
from objects import synced_view

from logscan_api.exitcodes import Reason
from logscan_operator.errors import ApiError, NoAnswerError, NotLeadingError
from logscan_operator.metrics import Metrics
from logscan_operator.refusals import is_outage, is_unsure, refusal_of, refusal_of_pod

JOB = 'jobs.batch "a-1" is forbidden: '
POD = 'Error creating: pods "a-1-x7k2p" is forbidden: '
QUOTA = "exceeded quota: small, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0"
POLICY = "ValidatingAdmissionPolicy 'no-jobs' with binding 'no-jobs' denied request: no Jobs on weekends"
RIGHT = (
    'jobs.batch is forbidden: User "system:serviceaccount:logscan:logscan-operator" cannot create resource "jobs" in '
    'API group "batch" in the namespace "team-a"'
)


@pytest.mark.parametrize(
    ("status", "kind", "text", "reason"),
    [
        (403, "Forbidden", JOB + QUOTA, Reason.QUOTA_EXCEEDED),
        (403, "Forbidden", JOB + "status unknown for quota: small, resources: count/jobs.batch", Reason.QUOTA_EXCEEDED),
        (422, "Invalid", JOB + POLICY, Reason.REFUSED),
        (403, "Forbidden", 'admission webhook "validation.gatekeeper.sh" denied the request: [owner] ', Reason.REFUSED),
        (400, "", 'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nlabels: x', Reason.REFUSED),
        (429, "", 'admission webhook "slow.example.com" denied the request: not so fast', Reason.REFUSED),
        (403, "Forbidden", JOB + "unable to create new content in namespace b because it is being", Reason.REFUSED),
        (403, "Forbidden", RIGHT, Reason.REFUSED),
        (422, "Invalid", 'Job.batch "a-1" is invalid: spec.template.spec.containers[0].image: Required value', None),
        (500, "InternalError", 'Internal error occurred: failed calling webhook "a.example.com"', None),
        (409, "Conflict", 'Operation cannot be fulfilled on resourcequotas "small"', None),
        (429, "TooManyRequests", "the server has received too many requests", None),
    ],
)
def test_a_job_that_was_not_created(status: int, kind: str, text: str, reason: Reason | None) -> None:
    refusal = refusal_of(ApiError(status, kind, text))
    assert (refusal and refusal.reason) == reason
    assert refusal is None or text in refusal.message


def test_a_right_that_is_missing_is_the_operators_problem() -> None:
    refusal = refusal_of(ApiError(403, "Forbidden", RIGHT))
    assert refusal is not None
    assert refusal.message.startswith("the operator has no right to create Jobs in this namespace: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (POD + "exceeded quota: pods, requested: pods=1, used: pods=0, limited: pods=0", Reason.QUOTA_EXCEEDED),
        (POD + "failed quota: cpu: must specify limits.cpu for: scanner", Reason.QUOTA_EXCEEDED),
        (POD + "maximum cpu usage per Container is 100m, but limit is 250m", Reason.QUOTA_EXCEEDED),
        (POD + 'violates PodSecurity "restricted:latest": runAsNonRoot != true', Reason.REFUSED),
        (POD + 'error looking up service account b/logscan-scanner: serviceaccount "x" not found', Reason.REFUSED),
        ('Error creating: Internal error occurred: failed calling webhook "a.example.com"', None),
    ],
)
def test_a_pod_that_was_not_created(text: str, reason: Reason | None) -> None:
    refusal = refusal_of_pod(text)
    assert (refusal and refusal.reason) == reason


@pytest.mark.parametrize(
    ("error", "outage", "unsure"),
    [
        (ApiError(500, "InternalError", 'failed calling webhook "a.example.com": context deadline'), True, False),
        (ApiError(500, "InternalError", "etcdserver: request timed out"), True, True),
        (ApiError(504, "Timeout", "request did not complete within the allotted timeout"), True, True),
        (ApiError(429, "TooManyRequests", "the server has received too many requests"), True, False),
        (ApiError(401, "Unauthorized", "Unauthorized"), True, False),
        (ApiError(409, "Conflict", "object has been modified"), False, False),
        (NoAnswerError("no answer in time"), True, True),
        (NotLeadingError(), False, False),
        (KeyError("bug"), False, False),
    ],
)
def test_whose_problem_an_error_is(error: Exception, outage: bool, unsure: bool) -> None:
    assert (is_outage(error), is_unsure(error)) == (outage, unsure)


def test_refusals_are_counted_from_zero() -> None:
    text = Metrics(1).render(synced_view()).decode()
    for reason in (Reason.QUOTA_EXCEEDED, Reason.REFUSED):
        assert f'logscan_job_refusals_total{{reason="{reason}"}} 0.0' in text
