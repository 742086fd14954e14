"""What a command cannot do. The message of each error says what to look at or do next."""


class ToolError(Exception):
    """A command cannot do what it was asked to do."""


class BinaryUnavailableError(ToolError):
    """A program was neither found nor downloaded nor built."""
