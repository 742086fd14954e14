"""How a scan can fail. The exit code is the contract with the operator, the message is for a person.

ScanError
├── BadRequestError       64  the request is not one
├── InvalidRuleError      65  a rule cannot be compiled
├── ObjectNotFoundError   66  there is no such object
├── SupersededError       67  the object changed while or before it was read
├── AccessDeniedError     68  the scanner may not read or write something
├── ArchivedError         69  the object must be restored first
├── RowTooLargeError      70  the row is larger than DynamoDB allows
├── TryAgainError         75  throttled, network, no credentials yet, told to stop
└── KeyUnavailableError   77  the KMS key that the object is encrypted with cannot be used
"""

from logscan_api.exitcodes import ExitCode


class ScanError(Exception):
    """Base: the scan ended without a result."""

    code = ExitCode.INTERNAL_ERROR


class BadRequestError(ScanError):
    """The request cannot be understood."""

    code = ExitCode.BAD_REQUEST


class InvalidRuleError(ScanError):
    """A rule's expression cannot be compiled; the message names the rule and where it is wrong."""

    code = ExitCode.INVALID_RULE


class ObjectNotFoundError(ScanError):
    """The object, version, bucket or prefix does not exist."""

    code = ExitCode.OBJECT_NOT_FOUND


class SupersededError(ScanError):
    """The object was overwritten or deleted since the scan was asked for."""

    code = ExitCode.SUPERSEDED


class AccessDeniedError(ScanError):
    """AWS refused; the message says what was tried."""

    code = ExitCode.ACCESS_DENIED


class ArchivedError(ScanError):
    """The object is in an archive class and must be restored before it can be read."""

    code = ExitCode.ARCHIVED


class TryAgainError(ScanError):
    """The same scan may succeed later."""

    code = ExitCode.TRY_AGAIN


class RowTooLargeError(ScanError):
    """The row is larger than DynamoDB allows."""


class KeyUnavailableError(ScanError):
    """The KMS key that the object is encrypted with is disabled, gone or not for this role."""

    code = ExitCode.KEY_UNAVAILABLE
