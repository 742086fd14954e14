"""A Kubernetes node that runs each container as a process of this machine, or by a Docker-compatible engine.

It does what a kubelet does for the pods that logscan's manifests make: it registers and heartbeats, binds and starts
pods, resolves their environment and volumes, asks their HTTP probes and restarts them, reports states, and serves their
logs. A pod that asks for more is held, and its status says what is not supported: init containers, other probes, other
volumes. All pods share the machine's network. What else isolates them depends on the runtime (`runtime`): a process has
users and mounts of its own, a container everything that an engine gives.
"""
