"""Environment variables of a container whose values reach its process unchanged.

A kubelet expands `$(NAME)` in `env[].value` from the variables before it, Secrets among them, and makes `$` of `$$`
(Kubernetes API reference, `EnvVar.value`; k8s.io/kubernetes, third_party/forked/golang/expansion). Text from a
key or a pattern could therefore read a Secret, or arrive changed, unless every `$` is doubled.
"""

from logscan_api.requests import joined
from logscan_operator.items import Object


def variable(name: str, value: str) -> Object:
    """Return an entry of `env` that gives a process exactly this value."""
    return {"name": name, "value": value.replace("$", "$$")}


def values_of(container: Object) -> dict[str, str]:
    """Return the values that variables made by `variable` have in the process, by name; the last of a name counts."""
    entries = (entry for entry in container.get("env", []) if entry.get("value") is not None)
    return {entry["name"]: str(entry["value"]).replace("$$", "$") for entry in entries}


def request_of(container: Object) -> str | None:
    """Return the text of the scanner's request in a container, or None if the variable is not set."""
    return joined(values_of(container))
