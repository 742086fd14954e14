"""What is wrong with a rule, or with the engine itself."""


class InvalidRuleError(Exception):
    """A rule's expression cannot be compiled; the message names the rule and where it is wrong."""


class WrongCountError(Exception):
    """The engine counted something wrong of which the right count is known."""
