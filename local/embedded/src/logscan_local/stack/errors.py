"""What the embedded stack raises. Each message says what to look at or do next."""

from logscan_tools.errors import ToolError


class StackError(ToolError):
    """The stack cannot do what it was asked to do."""


class PartFailedError(StackError):
    """A process of the stack ended or did not become ready; the message ends with the tail of its log."""
