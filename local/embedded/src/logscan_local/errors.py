"""What the embedded stack raises. Each message says what to look at or do next."""


class StackError(Exception):
    """The stack cannot do what was asked."""


class PartFailedError(StackError):
    """A process of the stack ended or did not become ready; the message carries the tail of its log."""


class BinaryUnavailableError(StackError):
    """A program of the control plane was neither found, nor downloaded, nor built."""
