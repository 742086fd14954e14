"""What is wrong with a rule."""


class InvalidRuleError(Exception):
    """A rule's expression cannot be compiled; the message names the rule and where it is wrong."""
