"""The embedded stack: logscan on one machine, without Docker.

`stacks` puts the parts together. Each part is a real one: etcd and kube-apiserver (`controlplane`), a node that runs
pods as processes (`node`), an AWS emulator over HTTP (`aws`), and the shipped manifests (`install`).
"""
