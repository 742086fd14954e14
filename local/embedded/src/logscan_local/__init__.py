"""The whole of logscan on one machine.

- `stack`: the embedded stack, which needs no Docker: control plane, node, AWS emulator and operator, and the command
  `logscan-local`;
- `kind`: what the scripts in `local/kind` do in Python;
- `testkit`: what tests and benchmarks build on: fixtures, a fake kubelet, operator processes, other clusters.
"""
