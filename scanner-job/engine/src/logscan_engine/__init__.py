"""The scan engine: rules compiled, and all of them matched against blocks of lines in one pass.

The scanner counts with it; the operator checks the rules of policies with it, in a process of its own
(`python -m logscan_engine`). It reads nothing but the blocks that it is given and knows no network.

Errors: `InvalidRuleError` in `errors`.
"""
