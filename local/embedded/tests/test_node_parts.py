"""The node's decisions, each alone."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from logscan_local.node import containers, environment, images, mounts, probes, volumes
from logscan_local.node.config import NodeConfig, read
from logscan_local.node.containers import Container
from logscan_local.node.environment import ContainerConfigError
from logscan_local.node.images import Image
from logscan_local.node.kubelet_api import tail_offset
from logscan_local.node.objects import field_value, memory_limit
from logscan_local.node.status import pod_status

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"a": "b"}, "annotations": {"x/y": "z"}},
    "spec": {"nodeName": "local", "serviceAccountName": "sa"},
}


async def lookup(kind: str, name: str) -> dict[str, str]:
    if name == "missing":
        raise ContainerConfigError(f'{kind} "missing" not found')
    return {"key": f"{kind}-{name}", "other": "o"}


def resolved(**container: Any) -> dict[str, str]:
    return asyncio.run(environment.resolve(container, POD, "127.0.0.1", lookup))


def test_environment_from_everywhere() -> None:
    values = resolved(
        envFrom=[{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}, "prefix": "S_"}],
        env=[
            {"name": "plain", "value": "v"},
            {"name": "field", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "config", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "key"}}},
            {"name": "secret", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
            {"name": "absent", "valueFrom": {"secretKeyRef": {"name": "missing", "key": "key", "optional": True}}},
            {"name": "expanded", "value": "$(plain)/$(nobody)/$$(plain)"},
        ],
    )
    assert values == {
        "key": "configmaps-c",
        "other": "o",
        "S_key": "secrets-s",
        "S_other": "o",
        "plain": "v",
        "field": "p",
        "config": "configmaps-c",
        "secret": "secrets-s",
        "expanded": "v/$(nobody)/$(plain)",
    }


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"secretKeyRef": {"name": "missing", "key": "k"}}, "not found"),
        ({"configMapKeyRef": {"name": "c", "key": "nope"}}, "couldn't find key nope"),
        ({"resourceFieldRef": {"resource": "limits.cpu"}}, "not supported"),
    ],
)
def test_what_is_missing_in_the_environment(source: dict[str, Any], words: str) -> None:
    with pytest.raises(ContainerConfigError, match=words):
        resolved(env=[{"name": "x", "valueFrom": source}])


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


def test_a_container_without_a_limit_has_none() -> None:
    assert memory_limit({}) is None


@pytest.mark.parametrize(
    "reference",
    ["logscan-scanner", "logscan-scanner:1", "ghcr.io/x/logscan-scanner:1@sha256:aa", "host:5000/logscan-scanner"],
)
def test_images_go_by_the_last_part_of_their_name(reference: str) -> None:
    known = {"logscan-scanner": Image(Path("/venv"), ("run",))}
    assert images.find(known, reference) == known["logscan-scanner"]
    assert images.find(known, "other:1") is None


def test_the_command_of_a_container() -> None:
    image = Image(Path("/venv"), ("entry",))
    assert images.command_of({"args": ["a"]}, image) == ["entry", "a"]
    assert images.command_of({"command": ["c"], "args": ["a"]}, image) == ["c", "a"]
    assert image.path.startswith("/venv/bin:")


def test_paths_are_rewritten_where_mounts_are_impossible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = [mounts.Mount(Path("/pods/tmp"), "/tmp"), mounts.Mount(Path("/pods/cfg"), "/etc/cfg")]
    assert mounts.rewrite("/etc/cfg/a.txt", wanted) == "/pods/cfg/a.txt"
    assert mounts.rewrite("/tmp", wanted) == "/pods/tmp"
    assert mounts.rewrite("/tmpfile", wanted) == "/tmpfile"
    monkeypatch.setattr(mounts, "namespace_command", lambda: None)
    assert mounts.wrap(["run"], wanted, tmp_path, True, []) == ["run"]


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
        mounts.Mount(volumes["outer"], str(tmp_path)),  # hides all of the above
        mounts.Mount(volumes["inner"], str(tmp_path / "below")),
        mounts.Mount(volumes["absent"], "/etc/logscan-test/not/there", read_only=True),
        mounts.Mount(words, "/dev/termination-log"),
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
    with pytest.raises(ValueError, match="not in /"):
        mounts.wrap(["true"], [mounts.Mount(tmp_path, "/logscan-test")], tmp_path, False, [])


def test_a_probe_turns_after_its_threshold() -> None:
    probe = probes.Probe.of({"failureThreshold": 2, "periodSeconds": 5, "initialDelaySeconds": 3}, {}, 100.0, True)
    assert probe.next_at == 103
    for success, healthy in ((False, True), (True, True), (False, True), (False, False), (True, True)):
        probe.count(success, 103.0)
        assert probe.healthy is healthy
    assert probe.next_at == 108


def test_a_probe_finds_a_named_port() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}]}
    probe = probes.Probe.of({"httpGet": {"path": "/healthz", "port": "http"}}, container, 0, False)
    assert probe.url() == "http://127.0.0.1:8080/healthz"
    assert probes.Probe.of({"exec": {}}, {}, 0, False).url() is None


def ended(code: int) -> Container:
    return Container({"name": "c", "image": "i"}, waiting=None, terminated={"exitCode": code})


@pytest.mark.parametrize(
    ("several", "init", "reason", "phase"),
    [
        ([Container({"name": "c", "image": "i"})], [], None, "Pending"),
        ([ended(0)], [], None, "Succeeded"),
        ([ended(1)], [], None, "Failed"),
        ([ended(0), ended(3)], [], None, "Failed"),
        ([Container({"name": "c", "image": "i"})], [ended(1)], None, "Failed"),
        ([Container({"name": "c", "image": "i"})], [], ("DeadlineExceeded", "late"), "Failed"),
        ([Container({"name": "c", "image": "i"}, last_terminated={"exitCode": 1})], [], None, "Running"),
    ],
)
def test_the_phase_of_a_pod(
    several: list[Container], init: list[Container], reason: tuple[str, str] | None, phase: str
) -> None:
    status = pod_status(several, init, "t", "127.0.0.1", reason, {})
    assert status["phase"] == phase
    assert status.get("reason") == (reason[0] if reason else None)


def test_conditions_keep_their_times() -> None:
    first = pod_status([ended(0)], [], "t", "", None, {})
    for condition in first["conditions"]:
        condition["lastTransitionTime"] = "then"
    second = pod_status([ended(0)], [], "t", "", None, first)
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


def test_volumes(tmp_path: Path) -> None:
    pod = {
        **POD,
        "spec": {
            "volumes": [
                {"name": "tmp", "emptyDir": {}},
                {"name": "cfg", "configMap": {"name": "c", "items": [{"key": "key", "path": "a/b.txt"}]}},
                {"name": "sec", "secret": {"secretName": "s"}},
                {
                    "name": "all",
                    "projected": {
                        "sources": [
                            {"configMap": {"name": "c"}},
                            {"secret": {"name": "s", "items": [{"key": "key", "path": "secret"}]}},
                            {
                                "downwardAPI": {
                                    "items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]
                                }
                            },
                        ]
                    },
                },
            ]
        },
    }
    nobody: Any = None
    prepared = asyncio.run(volumes.prepare(pod, tmp_path, nobody, lookup))
    assert list(prepared["tmp"].iterdir()) == []
    assert (prepared["cfg"] / "a/b.txt").read_text() == "configmaps-c"
    assert (prepared["sec"] / "key").read_text() == "secrets-s"
    assert {p.name: p.read_text() for p in prepared["all"].iterdir()} == {
        "key": "configmaps-c",
        "other": "o",
        "secret": "secrets-s",
        "ns": "n",
    }


def test_a_volume_of_another_kind_is_named(tmp_path: Path) -> None:
    nobody: Any = None
    pod = {**POD, "spec": {"volumes": [{"name": "disk", "hostPath": {"path": "/"}}]}}
    with pytest.raises(ContainerConfigError, match=r"disk.*hostPath"):
        asyncio.run(volumes.prepare(pod, tmp_path, nobody, lookup))


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
        images={"i": Image(tmp_path, ("run", "it"))},
    )
    config.write(tmp_path / "node.json")
    assert read(tmp_path / "node.json") == config
