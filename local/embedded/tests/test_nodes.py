"""How pods run in a stack: which way is chosen, kept and shown, and which control group a pod is in."""

import json
from pathlib import Path
from typing import Any

import pytest

from logscan_local.stack import __main__ as command
from logscan_local.stack import cgroups, engine
from logscan_local.stack.aws import Resources
from logscan_local.stack.engine import EngineError
from logscan_local.stack.errors import StackError
from logscan_local.stack.install import complete
from logscan_local.stack.nodes import PodRuntime
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State

DOCKER = PodRuntime("docker", "1")
KEYS = {"access_key_id": "a", "secret_access_key": "s"}
USERS = ("operator", "scanner")
RESOURCES = Resources.from_json({name: KEYS if name in USERS else name for name in Resources.__dataclass_fields__})


def test_a_runtime_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StackError, match="RUNTIME=podman is not supported: use process or docker"):
        PodRuntime("podman")
    assert command.main(["--stack", "never", "up", "--runtime", "podman"]) == 1
    assert "use process or docker" in capsys.readouterr().err


def test_a_stack_stays_with_the_runtime_that_it_was_started_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGSCAN_CACHE", str(tmp_path))
    state = State([], RESOURCES, Path("/kubectl"), Path("/kubeconfig"), DOCKER)
    stack = Stack("s", lambda _: None, PodRuntime("process"))
    stack.paths.root.mkdir(parents=True)
    stack.paths.state.write_text(json.dumps(state.to_json()))
    assert stack.state() == state
    with pytest.raises(StackError, match=r"pods run in containers of the images tagged 1; run `make down`"):
        stack.up()
    for same in (None, DOCKER):
        assert Stack("s", lambda _: None, same).up() == state


def test_a_state_file_that_names_no_runtime_is_read() -> None:
    """Those of kind and of real clusters."""
    document = State([], RESOURCES, Path("/kubectl"), Path("/kubeconfig"), DOCKER).to_json()
    del document["runtime"]
    assert State.from_json(document).runtime == PodRuntime("process")


@pytest.mark.parametrize(
    ("runtime", "operator", "scanner"),
    [
        (PodRuntime(), "logscan-operator:local", "logscan-scanner:local"),
        (DOCKER, "logscan-operator:1", "logscan-scanner:1"),
    ],
)
def test_containers_are_of_the_images_that_were_built(runtime: PodRuntime, operator: str, scanner: str) -> None:
    metadata = {"name": "logscan-operator"}
    settings: dict[str, Any] = {
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"LOGSCAN_SCANNER_IMAGE": "logscan-scanner:local"},
    }
    container: dict[str, Any] = {
        "image": "logscan-operator:local",
        "env": [{"name": "LOGSCAN_HTTP_PORT", "value": "8080"}],
    }
    template: dict[str, Any] = {"metadata": {}, "spec": {"containers": [container]}}
    deployment = {"kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
    for document in (settings, deployment):
        complete(document, RESOURCES, 9999, runtime.images)
    assert settings["data"]["LOGSCAN_SCANNER_IMAGE"] == scanner
    assert container["image"] == operator
    assert container["env"] == [{"name": "LOGSCAN_HTTP_PORT", "value": "9999"}]


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        (
            "9:memory:/docker/x\n5:cpu,cpuacct:/docker/x\n0::/\n",
            {"cpuacct/docker/x/cpuacct.usage": "2500000000\n", "memory/docker/x/memory.max_usage_in_bytes": "1024\n"},
        ),
        (
            "0::/system.slice/x\n",
            {
                "system.slice/x/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
                "system.slice/x/memory.peak": "1024\n",
            },
        ),
    ],
)
def test_both_versions_of_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, files: dict[str, str]
) -> None:
    """The files are as https://docs.kernel.org/admin-guide/cgroup-v1 and cgroup-v2 tell."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "sys")
    monkeypatch.setattr(cgroups, "PROCESSES", tmp_path / "proc")
    written = {"proc/7/cgroup": groups, **{f"sys/{name}": text for name, text in files.items()}}
    for path, text in written.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert cgroups.cpu_seconds(7) == 2.5
    assert cgroups.peak_bytes(7) == 1024
    (tmp_path / "proc/7/cgroup").write_text("0::/elsewhere\n")
    with pytest.raises(FileNotFoundError, match="process 7"):
        cgroups.peak_bytes(7)


@pytest.mark.parametrize("host", ["unix:///nowhere/none.sock", None])
def test_without_an_engine_the_error_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch, host: str | None) -> None:
    monkeypatch.setattr("aiodocker.docker._sock_search_paths", [])
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if host is not None:
        monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError, match=r"no Docker-compatible engine answers .*tools/engine-up"):
        engine.require()
