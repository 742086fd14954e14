"""What it means that the API server did not create a Job, or the Job controller no pod. Pure.

The API server has no field for who refused, so its texts decide. They are those of k8s.io/apiserver (quota:
pkg/admission/plugin/resourcequota, webhooks: pkg/admission/plugin/webhook/errors, policies:
pkg/admission/plugin/policy/validating) and of the LimitRanger; tests compare them with a real API server.
"""

import re
from dataclasses import dataclass

from logscan_api.exitcodes import Reason
from logscan_operator.errors import ApiError, NoAnswerError

QUOTA = re.compile(
    r"exceeded quota|failed quota|status unknown for quota|insufficient quota"
    r"|(minimum|maximum) \S+ usage per |limit to request ratio"
)
DENIED = re.compile(r"denied (the )?request")
NO_RIGHT = re.compile(r'User ".*" cannot create resource "jobs"')


@dataclass(frozen=True)
class Refusal:
    """A no to this Job that may become a yes without any change to it.

    Attributes:
        reason: `QuotaExceeded`, `Refused`, `JobConflict` or `RuleSetNotReady`.
        message: Who said no, in the server's words, or what is in the way.
    """

    reason: Reason
    message: str


def refusal_of(error: ApiError) -> Refusal | None:
    """Return how the API server refused a Job for now, or None if it did something else: see the error then."""
    text = str(error)
    if DENIED.search(text):
        return Refusal(Reason.REFUSED, text)
    if error.status != 403:
        return None
    if NO_RIGHT.search(text):
        return Refusal(Reason.REFUSED, f"the operator has no right to create Jobs in this namespace: {text}")
    return Refusal(Reason.QUOTA_EXCEEDED if QUOTA.search(text) else Reason.REFUSED, text)


def refusal_of_pod(message: str) -> Refusal | None:
    """Return how the API server refused a Job's pod, from the Job controller's Event, or None if it did not."""
    if DENIED.search(message) or " is forbidden: " in message:
        return Refusal(Reason.QUOTA_EXCEEDED if QUOTA.search(message) else Reason.REFUSED, message)
    return None


def is_outage(error: Exception) -> bool:
    """Return whether an error is one of the API server, a webhook or the network, and not of the object."""
    return error.retryable or error.status == 401 if isinstance(error, ApiError) else isinstance(error, NoAnswerError)


def is_unsure(error: Exception) -> bool:
    """Return whether a request that ended with an error may have been carried out."""
    if isinstance(error, ApiError):
        return error.status >= 500 and "failed calling webhook" not in str(error)
    return isinstance(error, NoAnswerError)
