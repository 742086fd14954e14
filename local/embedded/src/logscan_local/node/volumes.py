"""A pod's volumes, each a folder of the node: emptyDir, configMap, secret, and projected service-account tokens."""

from pathlib import Path

from logscan_local.node.environment import ContainerConfigError, Lookup
from logscan_local.node.objects import Object, field_value
from logscan_operator.kube import ApiServer

TOKEN_SECONDS = 3607


async def prepare(pod: Object, folder: Path, api: ApiServer, lookup: Lookup) -> dict[str, Path]:
    """Create and fill the volumes of a pod.

    Args:
        pod: The pod.
        folder: Where its volumes go.
        api: For service-account tokens.
        lookup: Returns the data of a ConfigMap or Secret by kind and name.

    Returns:
        The folder of each volume by name.

    Raises:
        ContainerConfigError: A volume is of a kind that this node does not have, or its source is missing.
    """
    volumes = {}
    for volume in pod["spec"].get("volumes", []):
        path = folder / volume["name"]
        path.mkdir(parents=True, exist_ok=True)
        for name, text in (await _contents(volume, pod, api, lookup)).items():
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        volumes[volume["name"]] = path
    return volumes


async def _contents(volume: Object, pod: Object, api: ApiServer, lookup: Lookup) -> dict[str, str]:
    if "emptyDir" in volume:
        return {}
    if "configMap" in volume:
        return _selected(volume["configMap"], await lookup("configmaps", volume["configMap"]["name"]))
    if "secret" in volume:
        return _selected(volume["secret"], await lookup("secrets", volume["secret"]["secretName"]))
    if "projected" in volume:
        files: dict[str, str] = {}
        for source in volume["projected"]["sources"]:
            files |= await _projected(source, pod, api, lookup)
        return files
    raise ContainerConfigError(f"volume {volume['name']} is of a kind that this node does not have: {sorted(volume)}")


async def _projected(source: Object, pod: Object, api: ApiServer, lookup: Lookup) -> dict[str, str]:
    if "serviceAccountToken" in source:
        return {source["serviceAccountToken"]["path"]: await request_token(pod, source["serviceAccountToken"], api)}
    if "configMap" in source:
        return _selected(source["configMap"], await lookup("configmaps", source["configMap"]["name"]))
    if "secret" in source:
        return _selected(source["secret"], await lookup("secrets", source["secret"]["name"]))
    if "downwardAPI" in source:
        items = source["downwardAPI"]["items"]
        return {i["path"]: field_value(pod, i["fieldRef"]["fieldPath"], "127.0.0.1") for i in items}
    raise ContainerConfigError(f"projected source {sorted(source)} is not supported by this node")


async def request_token(pod: Object, source: Object, api: ApiServer) -> str:
    """Return a token of the pod's service account, bound to the pod."""
    metadata, account = pod["metadata"], pod["spec"].get("serviceAccountName", "default")
    bound = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
    spec: Object = {
        "audiences": [source["audience"]] if source.get("audience") else [],
        "expirationSeconds": source.get("expirationSeconds", TOKEN_SECONDS),
        "boundObjectRef": bound,
    }
    path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    answer = await api.request("POST", path, body)
    return str(answer["status"]["token"])


def _selected(source: Object, data: dict[str, str]) -> dict[str, str]:
    if "items" not in source:
        return data
    return {item["path"]: data[item["key"]] for item in source["items"]}
