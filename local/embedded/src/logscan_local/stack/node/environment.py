"""A container's environment, resolved as a kubelet does."""

import base64
from collections.abc import Awaitable, Callable, Mapping

from logscan_local.stack.node.expansion import expand
from logscan_local.stack.node.objects import Object, field_value
from logscan_operator.kube import ApiError, ApiServer

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
    except ApiError as error:
        if error.status == 404:
            raise ContainerConfigError(f'{kind.removesuffix("s")} "{name}" not found') from error
        raise
    data: dict[str, str] = document.get("data") or {}
    if kind == "secrets":
        return {key: base64.b64decode(value).decode() for key, value in data.items()}
    return data


async def resolve(
    container: Object, pod: Object, node_ip: str, lookup: Lookup, services: Mapping[str, str]
) -> dict[str, str]:
    """Return a container's environment: services, `envFrom`, then `env` with `$(NAME)` expanded.

    Args:
        container: The container's spec.
        pod: Its pod.
        node_ip: Address that stands for the pod's.
        lookup: Returns the data of a ConfigMap or Secret by kind and name.
        services: The variables of services; whatever the container sets itself wins.

    Raises:
        ContainerConfigError: Something that is not optional is missing.
    """
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        values |= await _from_source(source, lookup)
    for entry in container.get("env", []):
        value = await _value(entry, pod, node_ip, lookup)
        if value is not None:
            values[entry["name"]] = expand(value, values, services) if "value" in entry else value
    return {**services, **values}


async def _from_source(source: Object, lookup: Lookup) -> dict[str, str]:
    for field, kind in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        if field in source:
            data = await _optional(source[field], kind, lookup)
            return {source.get("prefix", "") + key: value for key, value in data.items()}
    return {}


async def _value(entry: Object, pod: Object, node_ip: str, lookup: Lookup) -> str | None:
    source = entry.get("valueFrom")
    if source is None:
        return str(entry.get("value", ""))
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"], node_ip)
    for field, kind in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if field in source:
            return await _key(source[field], kind, lookup)
    raise ContainerConfigError(f"env {entry['name']}: valueFrom {sorted(source)} is not supported by this node")


async def _key(reference: Object, kind: str, lookup: Lookup) -> str | None:
    data = await _optional(reference, kind, lookup)
    if reference["key"] not in data and not reference.get("optional"):
        raise ContainerConfigError(f"couldn't find key {reference['key']} in {kind} {reference['name']}")
    return data.get(reference["key"])


async def _optional(reference: Object, kind: str, lookup: Lookup) -> dict[str, str]:
    try:
        return await lookup(kind, reference["name"])
    except ContainerConfigError:
        if reference.get("optional"):
            return {}
        raise
