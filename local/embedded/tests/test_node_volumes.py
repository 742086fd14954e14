"""The node's volumes: contents, owners, modes, sizes."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from logscan_local.stack.node import mounts, volumes
from logscan_local.stack.node.environment import ContainerConfigError

ROOT = pytest.mark.skipif(not mounts.is_root(), reason="only root can give files to others, and mount")
GROUP = 2000


async def lookup(kind: str, name: str) -> dict[str, str]:
    return {"key": f"{kind}-{name}", "other": "o"}


class Tokens:
    """An API server that makes tokens."""

    async def request(self, _method: str, path: str, _body: Any) -> dict[str, Any]:
        return {"status": {"token": f"token of {path.split('/')[-2]}"}}


TOKEN = {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}


def prepared(folder: Path, several: list[Any], *users: int | None, **security: Any) -> dict[str, Path]:
    """Return the volumes of a pod whose containers run as some users."""
    containers = [{"securityContext": {"runAsUser": user} if user is not None else {}} for user in users]
    pod = {
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"a": "b"}},
        "spec": {"volumes": several, "containers": containers, "serviceAccountName": "sa", "securityContext": security},
    }
    api: Any = Tokens()
    return asyncio.run(volumes.prepare(pod, folder, api, lookup))


def test_contents(tmp_path: Path) -> None:
    sources = [
        {"configMap": {"name": "c", "items": [{"key": "key", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        {"serviceAccountToken": {"path": "token"}},
    ]
    found = prepared(tmp_path, [{"name": "tmp", "emptyDir": {}}, {"name": "all", "projected": {"sources": sources}}])
    assert list(found["tmp"].iterdir()) == []
    assert {p.name: p.read_text() for p in found["all"].iterdir()} == {
        "ca.crt": "configmaps-c",
        "ns": "n",
        "token": "token of sa",
    }


def test_a_secret_is_read_by_the_pods_group_alone(tmp_path: Path) -> None:
    source = {"secretName": "s", "defaultMode": 0o440, "items": [{"key": "key", "path": "current"}]}
    found = prepared(tmp_path, [{"name": "keys", "secret": source}], 65532, fsGroup=GROUP)
    (path,) = found["keys"].iterdir()
    assert (path.name, path.read_text()) == ("current", "secrets-s")
    assert path.stat().st_mode & 0o777 == 0o440
    if os.geteuid() == 0:
        assert (path.stat().st_uid, path.stat().st_gid) == (0, GROUP)


def test_a_volume_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ContainerConfigError, match=r"disk.*hostPath"):
        prepared(tmp_path, [{"name": "disk", "hostPath": {"path": "/"}}])


def facts(path: Path) -> tuple[int, int, int]:
    """Return user, group and permissions of a file."""
    found = path.stat()
    return found.st_uid, found.st_gid, found.st_mode & 0o7777


@ROOT
@pytest.mark.parametrize(
    ("users", "security", "expected"),
    [
        ([65532], {}, (65532, 0, 0o600)),
        ([65532, 65532], {"fsGroup": GROUP}, (65532, GROUP, 0o640)),
        ([1, 2], {"fsGroup": GROUP}, (0, GROUP, 0o640)),
        ([1, 2], {}, (0, 0, 0o644)),
        ([None], {"runAsUser": 7}, (7, 0, 0o600)),
        ([None], {}, (0, 0, 0o644)),
    ],
)
def test_a_token_is_for_the_pods_user(
    tmp_path: Path, users: list[int | None], security: dict[str, int], expected: tuple[int, int, int]
) -> None:
    """As the kubelet does it: pkg/volume/projected, `collectData`."""
    assert facts(prepared(tmp_path, [TOKEN], *users, **security)["token"] / "token") == expected


@ROOT
def test_files_belong_to_the_pods_group_and_an_empty_folder_is_open_to_all(tmp_path: Path) -> None:
    sources = [{"configMap": {"name": "c"}}]
    several = [
        {"name": "tmp", "emptyDir": {}},
        {"name": "cfg", "projected": {"sources": sources}},
        {"name": "strict", "projected": {"sources": sources, "defaultMode": 0o400}},
    ]
    found = prepared(tmp_path, several, fsGroup=GROUP)
    assert facts(found["tmp"]) == (0, GROUP, 0o2777)
    assert facts(found["cfg"] / "key") == (0, GROUP, 0o644)
    assert facts(found["strict"] / "key") == (0, GROUP, 0o440)


def test_a_volume_that_is_too_full_is_reported_as_the_kubelet_reports_it(tmp_path: Path) -> None:
    pod = {"spec": {"volumes": [{"name": "other"}, {"name": "tmp", "emptyDir": {"sizeLimit": "64Ki"}}]}}
    (tmp_path / "small").write_bytes(bytes(1000))
    assert volumes.exceeded(pod, {"tmp": tmp_path}) is None
    (tmp_path / "large").write_bytes(os.urandom(100_000))
    assert volumes.exceeded(pod, {"tmp": tmp_path}) == 'Usage of EmptyDir volume "tmp" exceeds the limit "64Ki". '
