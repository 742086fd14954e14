"""Environment variables of a container whose values reach its process as they are.

A kubelet expands `$(NAME)` in `env[].value` from the variables before it, Secrets among them, and makes `$` of `$$`
(Kubernetes API reference, `EnvVar.value`; k8s.io/kubernetes, third_party/forked/golang/expansion). So what comes from a
key or a pattern could read a Secret, or arrive as something else, unless every `$` is doubled.
"""

from logscan_operator.items import Object


def variable(name: str, value: str) -> Object:
    """Return an entry of `env` that gives a process this very value."""
    return {"name": name, "value": value.replace("$", "$$")}


def value_of(container: Object, name: str) -> str | None:
    """Return what a variable made by `variable` gives the process, or None if the container has none of that name."""
    entries = (entry for entry in container.get("env", []) if entry["name"] == name)
    text = next((entry.get("value") for entry in entries), None)
    return None if text is None else str(text).replace("$$", "$")
