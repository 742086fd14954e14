"""The environment of a container, resolved like a kubelet."""

import base64
from collections.abc import Awaitable, Callable, Mapping

from logscan_local.stack.apiserver import ApiServer, RefusedError
from logscan_local.stack.node.expansion import expand
from logscan_local.stack.node.objects import Object, field_value

Lookup = Callable[[str, str], Awaitable[dict[str, str]]]


class ContainerConfigError(Exception):
    """A container cannot be set up; the reason and message that its status shows."""

    reason = "CreateContainerConfigError"


async def read_values(api: ApiServer, namespace: str, kind: str, name: str) -> dict[str, str]:
    """Return the data of a ConfigMap or Secret as text.

    Args:
        api: The API server.
        namespace: The pod's namespace.
        kind: `configmaps` or `secrets`.
        name: The object's name.

    Raises:
        ContainerConfigError: There is no such object.
    """
    try:
        document = await api.request("GET", f"/api/v1/namespaces/{namespace}/{kind}/{name}")
    except RefusedError as error:
        if error.status == 404:
            raise ContainerConfigError(f'{kind.removesuffix("s")} "{name}" not found') from error
        raise
    data: dict[str, str] = document.get("data") or {}
    if kind == "secrets":
        return {key: base64.b64decode(value).decode() for key, value in data.items()}
    return data


async def resolve(
    container: Object, pod: Object, node_ip: str, lookup: Lookup, api_server: Mapping[str, str]
) -> dict[str, str]:
    """Return a container's environment: the API server's address, `envFrom`, then `env` with `$(NAME)` expanded.

    Args:
        container: The container's spec.
        pod: Its pod.
        node_ip: The pod's address.
        lookup: Returns the data of a ConfigMap or Secret by kind and name.
        api_server: The variables of the API server; whatever the container sets itself wins.

    Raises:
        ContainerConfigError: A required ConfigMap or Secret is missing.
    """
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        values |= await _from_source(source, lookup)
    for entry in container.get("env", []):
        value = await _value(entry, pod, node_ip, lookup)
        if value is not None:
            values[entry["name"]] = expand(value, values, api_server) if "value" in entry else value
    return {**api_server, **values}


async def _from_source(source: Object, lookup: Lookup) -> dict[str, str]:
    for field, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        if field in source:
            data = await _optional(source[field], kind, lookup)
            return {source.get("prefix", "") + key: value for key, value in data.items()}
    return {}


async def _value(entry: Object, pod: Object, node_ip: str, lookup: Lookup) -> str | None:
    """Return the value of a variable, or None if it comes from an optional source that is missing."""
    source = entry.get("valueFrom")
    if source is None:
        return str(entry.get("value", ""))
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"], node_ip)
    for field, kind in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if field in source:
            return await _of_key(source[field], kind, lookup)
    raise ContainerConfigError(f"env {entry['name']}: valueFrom {sorted(source)} is not supported by this node")


async def _of_key(reference: Object, kind: str, lookup: Lookup) -> str | None:
    data = await _optional(reference, kind, lookup)
    if reference["key"] not in data and not reference.get("optional"):
        noun = kind.removesuffix("s").replace("configmap", "ConfigMap").replace("secret", "Secret")
        raise ContainerConfigError(f"couldn't find key {reference['key']} in {noun} {reference['name']}")
    return data.get(reference["key"])


async def _optional(reference: Object, kind: str, lookup: Lookup) -> dict[str, str]:
    try:
        return await lookup(kind, reference["name"])
    except ContainerConfigError:
        if reference.get("optional"):
            return {}
        raise
