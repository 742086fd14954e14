"""The proof that counts are those of `grep -c -P`: rules and lines are made, and grep judges what the engine counts.

`python -m oracle logs DIR` compares on log files, `python -m oracle fuzz` on random rules without an end. The test
suite runs a bounded part of both. `adapter` is the only module that knows the engine.
"""
