"""Errors: `InvalidRuleError` for a rule that is refused, `InternalError` for a defect of the engine."""


class InvalidRuleError(Exception):
    """A rule that the engine refuses.

    Attributes:
        rule: The rule's name.
        problem: What is wrong with it, and where.
    """

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(f"rule {rule!r}: {problem}")
        self.rule = rule
        self.problem = problem


class InternalError(Exception):
    """The engine panicked, or counts wrong on this machine: none of its counts can be trusted."""
