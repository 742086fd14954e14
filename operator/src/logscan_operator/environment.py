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


def value_of(container: Object, name: str) -> str | None:
    """Return the value that a variable made by `variable` has in the process, or None if there is no such variable."""
    entries = (entry for entry in container.get("env", []) if entry["name"] == name)
    text = next((entry.get("value") for entry in entries), None)
    return None if text is None else str(text).replace("$$", "$")


def request_of(container: Object) -> str | None:
    """Return the text of the scanner's request in a container, or None if the variable is not set."""
    names = [entry["name"] for entry in container.get("env", [])]
    found = {name: value for name in names if (value := value_of(container, name)) is not None}
    return joined(found)
