"""MiniStack as the stack runs it: `hypercorn logscan_local.stack.emulated:app`."""

from ministack.app import app as ministack

from logscan_local.stack.repairs import RangesOfVersions

app = RangesOfVersions(ministack)
