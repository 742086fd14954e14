"""A Kubernetes node that runs each container as a process of this machine, or by a Docker-compatible engine.

It does what a kubelet does as far as a user or a controller can see: it registers and heartbeats, binds and starts
pods, resolves their environment and volumes, probes and restarts them, reports states, and serves their logs. All pods
share the machine's network. What else isolates them depends on the runtime (`runtime`): a process has users and mounts
of its own, a container everything that an engine gives.
"""
