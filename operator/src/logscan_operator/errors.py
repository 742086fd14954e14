"""What the clients of Kubernetes and AWS raise. No other module has to know the libraries beneath them.

    KubeError              a request to the API server was not done
    ├── ApiError           the API server refused it
    ├── NoAnswerError      the API server did not answer; the request may have been carried out
    └── NotLeadingError    it was never sent: only the leader may write
    AwsError               a call of AWS was refused, or not answered
    └── InventoryError     what S3 Inventory wrote cannot be used

The error of the library (aiohttp, botocore) is the `__cause__`, for the log. A library's own classes would leak its
choice into each `except` clause: aiohttp alone has two families of errors (its own and TimeoutError) for one event.
"""


class KubeError(Exception):
    """A request to the API server was not done, or nobody knows whether it was."""


class ApiError(KubeError):
    """The API server refused a request.

    Attributes:
        status: HTTP status code.
        reason: Kubernetes' reason, such as `AlreadyExists`.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason

    @property
    def retryable(self) -> bool:
        """Return whether the same request may succeed later: it was throttled, or the server failed."""
        return self.status == 429 or self.status >= 500


class NoAnswerError(KubeError):
    """The API server could not be reached, or its answer did not arrive in full."""


class NotLeadingError(KubeError):
    """A write was not sent because this process does not hold the Lease."""

    def __init__(self) -> None:
        super().__init__("this process does not hold the lease")


class AwsError(Exception):
    """AWS refused a call or did not answer.

    Attributes:
        code: AWS's error code, such as `ReceiptHandleIsInvalid`; empty if there was no answer.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class InventoryError(AwsError):
    """A manifest of S3 Inventory, or a file that it names, cannot be used; no other call changes that."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "InvalidInventory")


def described(error: BaseException) -> str:
    """Return the text of an error, or words for one that has no text, such as most instances of TimeoutError."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    return str(error) or type(error).__name__
