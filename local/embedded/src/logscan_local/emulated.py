"""MiniStack as the stack runs it: `hypercorn logscan_local.emulated:app`."""

from ministack.app import app as ministack

from logscan_local.repairs import RangesOfVersions

app = RangesOfVersions(ministack)
