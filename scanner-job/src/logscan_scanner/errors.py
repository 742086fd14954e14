"""How a scan can fail. The exit code is the contract with the operator, the message is for a person."""

from logscan_api.exitcodes import ExitCode


class ScanError(Exception):
    """The scan ended without a result.

    Attributes:
        code: How the process ends; it says whether another attempt can help.
    """

    def __init__(self, message: str, code: ExitCode = ExitCode.INTERNAL_ERROR) -> None:
        """Set the message and the code.

        Args:
            message: What happened and what to do, in one sentence.
            code: How the process ends.
        """
        super().__init__(message)
        self.code = code


class RowTooLargeError(ScanError):
    """The row is larger than DynamoDB allows."""
