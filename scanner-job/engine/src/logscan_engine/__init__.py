"""The scan engine: PCRE rules compiled, and all of them matched against every line of a log in one pass.

The scanner counts with it; the operator checks the rules of policies with it, in a process of its own
(`python -m logscan_engine`). It is written in Rust (`rust/`), reads nothing but the bytes that it is given, and knows
no network and no other package of logscan.
"""

from logscan_engine._native import Counts as Counts
from logscan_engine._native import Line as Line
from logscan_engine._native import Lines as Lines
from logscan_engine._native import LogFile as LogFile
from logscan_engine._native import RuleSet as RuleSet
from logscan_engine._native import Scan as Scan
from logscan_engine._native import Unpacker as Unpacker
from logscan_engine._native import pcre_version as pcre_version
from logscan_engine._native import redact as redact
from logscan_engine._native import second_of as second_of
from logscan_engine.canary import self_check as self_check
from logscan_engine.counting import count as count
from logscan_engine.errors import InternalError as InternalError
from logscan_engine.errors import InvalidRuleError as InvalidRuleError
from logscan_engine.rules import Rule as Rule
