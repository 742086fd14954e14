"""The rules of a scan, compiled by the engine."""

import logscan_engine as engine
from logscan_api.exitcodes import ExitCode
from logscan_api.rules import Rule
from logscan_scanner.errors import ScanError


def compile_for_scan(rules: list[Rule]) -> engine.RuleSet:
    """Compile the rules of a scan, after the engine has shown that it works here.

    Raises:
        ScanError: One cannot be compiled; the message names it and what is wrong.
        InternalError: The engine gives wrong answers on this machine.
    """
    engine.self_check()
    try:
        return engine.RuleSet([engine.Rule(**rule.for_engine()) for rule in rules])
    except engine.InvalidRuleError as error:
        raise ScanError(str(error), ExitCode.INVALID_RULE) from error
