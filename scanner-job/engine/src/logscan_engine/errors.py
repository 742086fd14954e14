"""What can go wrong: an `InvalidRuleError` is the fault of a rule, an `InternalError` that of the engine."""


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
    """The engine broke, or gives wrong answers on this machine: nothing that it counted is to be trusted."""
