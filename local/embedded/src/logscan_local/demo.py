"""placeholder until the pipeline runs."""

from logscan_local.stack import Stack


def run(stack: Stack, log: str | None) -> int:
    stack.up()
    return 0
