"""The node's decisions, each alone."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from logscan_local.stack.node import containers, environment, images, mounts, process_runtime
from logscan_local.stack.node.config import NodeConfig, read
from logscan_local.stack.node.containers import Container
from logscan_local.stack.node.environment import ContainerConfigError
from logscan_local.stack.node.images import Image
from logscan_local.stack.node.kubelet_api import tail_offset
from logscan_local.stack.node.objects import cpu_limit, field_value, memory_limit
from logscan_local.stack.node.runtime import ImageMissingError, Mount
from logscan_local.stack.node.security import Security
from logscan_local.stack.node.status import pod_status

POD: dict[str, Any] = {
    "metadata": {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "labels": {"a": "b"},
        "annotations": {"x/y": "z", "dollar": "$$(plain)"},
    },
    "spec": {"nodeName": "local", "serviceAccountName": "sa"},
}


async def lookup(kind: str, name: str) -> dict[str, str]:
    if name == "missing":
        raise ContainerConfigError(f'{kind} "missing" not found')
    return {"key": f"{kind}-{name}", "other": "o"}


def resolved(**container: Any) -> dict[str, str]:
    return asyncio.run(environment.resolve(container, POD, "127.0.0.1", lookup, {"SVC": "1.2.3.4", "plain": "hidden"}))


def test_environment_from_everywhere() -> None:
    values = resolved(
        envFrom=[
            {"configMapRef": {"name": "c"}},
            {"secretRef": {"name": "s"}, "prefix": "S_"},
            {"secretRef": {"name": "missing", "optional": True}},
        ],
        env=[
            {"name": "plain", "value": "v"},
            {"name": "field", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "secret", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
            {"name": "mapped", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "other"}}},
            {"name": "absent", "valueFrom": {"secretKeyRef": {"name": "missing", "key": "key", "optional": True}}},
            {"name": "empty", "valueFrom": {"secretKeyRef": {"name": "s", "key": "no", "optional": True}}},
            {"name": "expanded", "value": "$(plain)/$(nobody)/$$(plain)/$(SVC)"},
            {"name": "literal", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['dollar']"}}},
        ],
    )
    assert values == {
        "SVC": "1.2.3.4",
        "literal": "$$(plain)",
        "key": "configmaps-c",
        "other": "o",
        "S_key": "secrets-s",
        "S_other": "o",
        "plain": "v",
        "field": "p",
        "secret": "secrets-s",
        "mapped": "o",
        "expanded": "v/$(nobody)/$(plain)/1.2.3.4",
    }


def test_what_is_missing_in_the_environment() -> None:
    with pytest.raises(ContainerConfigError, match='"missing" not found'):
        resolved(envFrom=[{"secretRef": {"name": "missing"}}])
    with pytest.raises(ContainerConfigError, match='"missing" not found'):
        resolved(env=[{"name": "x", "valueFrom": {"secretKeyRef": {"name": "missing", "key": "k"}}}])
    with pytest.raises(ContainerConfigError, match="couldn't find key k in Secret s"):
        resolved(env=[{"name": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}])
    with pytest.raises(ContainerConfigError, match=r"env x: valueFrom .*resourceFieldRef.* is not supported"):
        resolved(env=[{"name": "x", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.namespace", "n"),
        ("metadata.labels['a']", "b"),
        ("metadata.annotations['x/y']", "z"),
        ("metadata.labels['none']", ""),
        ("status.podIP", "1.2.3.4"),
        ("spec.nodeName", "local"),
    ],
)
def test_fields(path: str, value: str) -> None:
    assert field_value(POD, path, "1.2.3.4") == value


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValueError, match=r"spec.colour"):
        field_value(POD, "spec.colour", "")


@pytest.mark.parametrize(("text", "size"), [("64Mi", 64 << 20), ("1G", 10**9), ("1.5Ki", 1536), ("100", 100)])
def test_quantities(text: str, size: int) -> None:
    assert memory_limit({"resources": {"limits": {"memory": text}}}) == size


@pytest.mark.parametrize(("text", "cores"), [("250m", 0.25), ("2", 2.0), (1, 1.0), ("0.5", 0.5)])
def test_limits_of_processors(text: str | int, cores: float) -> None:
    assert cpu_limit({"resources": {"limits": {"cpu": text}}}) == cores


def test_a_container_without_a_limit_has_none() -> None:
    assert memory_limit({}) is None
    assert cpu_limit({}) is None


IMAGE = Image(Path("/venv"), ("run",), "65532:65532", {"A": "b"})


@pytest.mark.parametrize(
    "reference",
    ["logscan-scanner", "logscan-scanner:1", "ghcr.io/x/logscan-scanner:1@sha256:aa", "host:5000/logscan-scanner"],
)
def test_images_go_by_the_last_part_of_their_name(reference: str) -> None:
    known = {"logscan-scanner": IMAGE}
    assert images.find(known, reference, "Always") == IMAGE
    for policy, reason in (("IfNotPresent", "ErrImagePull"), ("Never", "ErrImageNeverPull")):
        with pytest.raises(
            ImageMissingError, match="'other:1' is not on this node, which has logscan-scanner"
        ) as raised:
            images.find(known, "other:1", policy)
        assert raised.value.reason == reason


def test_paths_are_rewritten_where_mounts_are_impossible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = [Mount(Path("/pods/tmp"), "/tmp"), Mount(Path("/pods/cfg"), "/etc/cfg")]
    assert mounts.rewrite("/etc/cfg/a.txt", wanted) == "/pods/cfg/a.txt"
    assert mounts.rewrite("/tmp", wanted) == "/pods/tmp"
    assert mounts.rewrite("/tmpfile", wanted) == "/tmpfile"
    monkeypatch.setattr(mounts, "namespace_command", lambda: None)
    assert mounts.wrap(["run"], wanted, tmp_path, True, []) == ["run"]


@pytest.mark.skipif(not mounts.is_root(), reason="only root can run a process as somebody else")
@pytest.mark.skipif(mounts.namespace_command() is None, reason="this machine has no mount namespaces to give")
def test_another_user_reaches_what_it_needs_below_a_closed_folder(tmp_path: Path) -> None:
    (tmp_path / "closed" / "tools").mkdir(parents=True)
    (tmp_path / "closed" / "tools" / "tool").write_text("tool")
    (tmp_path / "closed" / "secret").write_text("secret")
    for folder in (*tmp_path.parents, tmp_path):
        assert folder == Path("/") or folder.stat().st_mode & 0o700
    (tmp_path / "closed").chmod(0o700)
    needed = [tmp_path / "closed" / "tools"]
    places = mounts.opened(needed, tmp_path / "scratch")
    as_user = process_runtime.identity_command(Security(escalation=False, drop=("ALL",)), "65532:65532")
    words = f"id -u; cat {needed[0]}/tool; cat {tmp_path}/closed/secret || echo refused; grep CapBnd /proc/self/status"
    command = mounts.wrap([*as_user, "sh", "-c", words], places, tmp_path / "scratch", True, needed)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["65532", "toolrefused", "CapBnd:", "0000000000000000"]


@pytest.mark.skipif(mounts.namespace_command() is None, reason="this machine has no mount namespaces to give")
def test_mounts_may_hide_the_nodes_own_files_and_lie_below_each_other(tmp_path: Path) -> None:
    volumes = {name: tmp_path / "pod" / name for name in ("outer", "inner", "absent")}
    for name, path in volumes.items():
        path.mkdir(parents=True)
        (path / "file").write_text(name)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "tool").write_text("tool")
    words = tmp_path / "pod" / "words"
    words.touch()
    wanted = [
        Mount(volumes["outer"], str(tmp_path)),  # hides all of the above
        Mount(volumes["inner"], str(tmp_path / "below")),
        Mount(volumes["absent"], "/etc/logscan-test/not/there", read_only=True),
        Mount(words, "/dev/termination-log"),
    ]
    script = f"""
        cat {tmp_path}/file {tmp_path}/below/file /etc/logscan-test/not/there/file {kept}/tool
        echo last > /dev/termination-log
        echo x > /etc/logscan-test/not/there/file || echo refused
        echo x > /elsewhere || echo refused
    """
    command = mounts.wrap(["sh", "-c", script], wanted, tmp_path / "pod" / "scratch", True, [kept])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "outerinnerabsenttoolrefused\nrefused\n"
    assert words.read_text() == "last\n"
    assert not Path("/etc/logscan-test").exists()
    with pytest.raises(ValueError, match="cannot create mount points in /"):
        mounts.wrap(["true"], [Mount(tmp_path, "/logscan-test")], tmp_path, False, [])


def ended(code: int) -> Container:
    return Container({"name": "c", "image": "i"}, waiting=None, terminated={"exitCode": code})


@pytest.mark.parametrize(
    ("several", "reason", "phase"),
    [
        ([Container({"name": "c", "image": "i"})], None, "Pending"),
        ([ended(0)], None, "Succeeded"),
        ([ended(1)], None, "Failed"),
        ([ended(0), ended(3)], None, "Failed"),
        ([Container({"name": "c", "image": "i"})], ("Evicted", "full"), "Failed"),
        ([Container({"name": "c", "image": "i"}, last_terminated={"exitCode": 1})], None, "Running"),
    ],
)
def test_the_phase_of_a_pod(several: list[Container], reason: tuple[str, str] | None, phase: str) -> None:
    status = pod_status(several, "t", "127.0.0.1", reason, {})
    assert status["phase"] == phase
    assert status.get("reason") == (reason[0] if reason else None)


def test_conditions_keep_their_times() -> None:
    first = pod_status([ended(0)], "t", "", None, {})
    for condition in first["conditions"]:
        condition["lastTransitionTime"] = "then"
    second = pod_status([ended(0)], "t", "", None, first)
    assert {c["lastTransitionTime"] for c in second["conditions"]} == {"then"}


def test_restarts_back_off() -> None:
    container = ended(1)
    waits = []
    for _ in range(4):
        container.terminated = {"exitCode": 1}
        containers.schedule_restart(container, 0.0)
        waits.append(container.backoff_until)
    assert waits == [0, 10, 20, 40]
    assert container.waiting is not None
    assert container.waiting[0] == "CrashLoopBackOff"
    assert container.restarts == 4


@pytest.mark.parametrize(
    ("text", "lines", "rest"),
    [
        (b"a\nb\nc\n", "1", b"c\n"),
        (b"a\nb\nc", "2", b"b\nc"),
        (b"a\n", "9", b"a\n"),
        (b"", "1", b""),
        (b"a\n", None, b"a\n"),
    ],
)
def test_the_last_lines_of_a_log(tmp_path: Path, text: bytes, lines: str | None, rest: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(text)
    assert text[tail_offset(path, lines) :] == rest


def test_the_settings_of_a_node_survive_their_file(tmp_path: Path) -> None:
    config = NodeConfig(
        name="n",
        address="127.0.0.1",
        port=1,
        kubeconfig=tmp_path / "k",
        pki=tmp_path,
        pods=tmp_path / "pods",
        labels={"a": "b"},
        runtime="process",
        images={"i": IMAGE},
    )
    config.write(tmp_path / "node.json")
    assert read(tmp_path / "node.json") == config
