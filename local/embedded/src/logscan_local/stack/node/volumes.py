"""A pod's volumes, each a folder of the node: emptyDir, Secrets, and what is projected of a service account.

Owners and modes are those that a kubelet sets: files belong to root and the pod's `fsGroup`, everyone may write to an
emptyDir, and only the pod's user may read a token. If the node is not root, everything belongs to the node's user.
"""

import os
from pathlib import Path

from logscan_api.quantities import Quantity
from logscan_local.stack.apiserver import ApiServer
from logscan_local.stack.node.environment import ContainerConfigError, Lookup
from logscan_local.stack.node.objects import Object, field_value

TOKEN_SECONDS = 3607
DEFAULT_MODE = 0o644
TOKEN_MODE = 0o600
GROUP_READS = 0o040
OPEN_TO_ALL = 0o777
SET_GROUP = 0o2000


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
        ContainerConfigError: A volume is of a kind that this node does not support, or its source is missing.
    """
    found = {}
    for volume in pod["spec"].get("volumes", []):
        path = folder / volume["name"]
        path.mkdir(parents=True, exist_ok=True)
        contents = await _contents(volume, pod, api, lookup)
        if "emptyDir" in volume:
            _open_folder(path, _group(pod))
        for name, text in contents.items():
            token = name in _token_paths(volume)
            _write(path / name, text, *(_token_access(pod) if token else (_mode(volume), 0)), _group(pod))
        found[volume["name"]] = path
    return found


def exceeded(pod: Object, paths: dict[str, Path]) -> str | None:
    """Return the kubelet's message if an emptyDir has exceeded its `sizeLimit`, which does not limit writes.

    Args:
        pod: The pod.
        paths: The folder of each volume.
    """
    for volume in pod["spec"].get("volumes", []):
        limit = (volume.get("emptyDir") or {}).get("sizeLimit")
        if limit is not None and _size(paths[volume["name"]]) > Quantity(str(limit)).bytes:
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
    return None


def _size(folder: Path) -> int:
    """Return the bytes that the files in a folder occupy, without those that are deleted meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def _open_folder(path: Path, group: int | None) -> None:
    """Make an emptyDir: open to all, its files the group's."""
    root = os.geteuid() == 0
    if root and group is not None:
        os.chown(path, 0, group)
    path.chmod(OPEN_TO_ALL | (SET_GROUP if group is not None else 0))


def _write(path: Path, text: str, mode: int, user: int, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if os.geteuid() == 0:
        os.chown(path, user, group or 0)
    path.chmod(mode | (GROUP_READS if group is not None else 0))


def _mode(volume: Object) -> int:
    source = volume.get("projected") or volume.get("secret") or {}
    return int(source.get("defaultMode", DEFAULT_MODE))


def _token_access(pod: Object) -> tuple[int, int]:
    """Return mode and owner of a token: private if all containers have the same user, or the pod a group."""
    outer = pod["spec"].get("securityContext") or {}
    users = {
        (c.get("securityContext") or {}).get("runAsUser", outer.get("runAsUser")) for c in pod["spec"]["containers"]
    }
    user = users.pop() if len(users) == 1 else None
    private = user is not None or _group(pod) is not None
    return (TOKEN_MODE if private else DEFAULT_MODE), user or 0


def _group(pod: Object) -> int | None:
    group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    return None if group is None else int(group)


def _token_paths(volume: Object) -> set[str]:
    sources = volume.get("projected", {}).get("sources", [])
    return {source["serviceAccountToken"]["path"] for source in sources if "serviceAccountToken" in source}


async def _contents(volume: Object, pod: Object, api: ApiServer, lookup: Lookup) -> dict[str, str]:
    if "emptyDir" in volume:
        return {}
    if "secret" in volume:
        return _selected(volume["secret"], await lookup("secrets", volume["secret"]["secretName"]))
    if "projected" in volume:
        files: dict[str, str] = {}
        for source in volume["projected"]["sources"]:
            files |= await _projected(source, pod, api, lookup)
        return files
    raise ContainerConfigError(
        f"volume {volume['name']} is of a kind that this node does not support: {sorted(volume)}"
    )


async def _projected(source: Object, pod: Object, api: ApiServer, lookup: Lookup) -> dict[str, str]:
    if "serviceAccountToken" in source:
        return {source["serviceAccountToken"]["path"]: await request_token(pod, source["serviceAccountToken"], api)}
    if "configMap" in source:
        return _selected(source["configMap"], await lookup("configmaps", source["configMap"]["name"]))
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
