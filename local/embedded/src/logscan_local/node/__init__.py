"""A Kubernetes node that runs each container as a process of this machine.

It does what a kubelet does as far as a user or a controller can see: it registers and heartbeats, binds and starts
pods, resolves their environment and volumes, probes and restarts them, reports states, and serves their logs. What
it does not do is isolate: containers share the machine's network, users and, but for their volumes, its files.
"""
