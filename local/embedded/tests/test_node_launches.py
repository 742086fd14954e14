"""From a pod's container to what a runtime starts: expansion, services, users, rights, limits."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from logscan_local.stack.node import images, launches, security, services
from logscan_local.stack.node.docker_runtime import OWNER_LABEL, container_config
from logscan_local.stack.node.environment import ContainerConfigError
from logscan_local.stack.node.expansion import expand
from logscan_local.stack.node.images import Image
from logscan_local.stack.node.process_runtime import identity_command
from logscan_local.stack.node.runtime import ImageFacts, Launch
from logscan_local.stack.node.security import Security

RECORDED = json.loads((Path(__file__).parent / "expansion_cases.json").read_text())
NONROOT = "65532:65532"


def test_expansion_is_that_of_the_kubelets_own_package() -> None:
    """Judged by what k8s.io/kubernetes makes of the same texts: `controlplane/expansion` recorded it."""
    assert len(RECORDED["cases"]) > 300
    wrong = {
        case["text"]: (expanded, case["result"])
        for case in RECORDED["cases"]
        # Recorded byte by byte: see the program.
        if (expanded := expand(case["text"], RECORDED["values"])).encode() != case["result"].encode("latin-1")
    }
    assert wrong == {}


def test_names_are_looked_up_in_order() -> None:
    assert expand("$(A) $(B)", {"A": "first"}, {"A": "second", "B": "b"}) == "first b"


def service(name: str, ip: str, *ports: Any, namespace: str = "n") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": list(ports)}}


SERVICES = [
    service("my-db", "10.0.0.9", {"name": "sql-tls", "port": 5432}, {"port": 53, "protocol": "UDP"}),
    service("headless", "None", {"port": 1}),
    service("elsewhere", "10.0.0.8", {"port": 1}, namespace="other"),
    service("kubernetes", "10.0.0.1", {"name": "https", "port": 443}, namespace="default"),
]
MASTER = {
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "6443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "6443",
    "KUBERNETES_PORT": "tcp://127.0.0.1:6443",
    "KUBERNETES_PORT_6443_TCP": "tcp://127.0.0.1:6443",
    "KUBERNETES_PORT_6443_TCP_PROTO": "tcp",
    "KUBERNETES_PORT_6443_TCP_PORT": "6443",
    "KUBERNETES_PORT_6443_TCP_ADDR": "127.0.0.1",
}
DATABASE = {
    "MY_DB_SERVICE_HOST": "10.0.0.9",
    "MY_DB_SERVICE_PORT": "5432",
    "MY_DB_SERVICE_PORT_SQL_TLS": "5432",
    "MY_DB_PORT": "tcp://10.0.0.9:5432",
    "MY_DB_PORT_5432_TCP": "tcp://10.0.0.9:5432",
    "MY_DB_PORT_5432_TCP_PROTO": "tcp",
    "MY_DB_PORT_5432_TCP_PORT": "5432",
    "MY_DB_PORT_5432_TCP_ADDR": "10.0.0.9",
    "MY_DB_PORT_53_UDP": "udp://10.0.0.9:53",
    "MY_DB_PORT_53_UDP_PROTO": "udp",
    "MY_DB_PORT_53_UDP_PORT": "53",
    "MY_DB_PORT_53_UDP_ADDR": "10.0.0.9",
}


@pytest.mark.parametrize(
    ("namespace", "links", "expected"),
    [("n", True, {**MASTER, **DATABASE}), ("n", False, MASTER), ("default", True, MASTER)],
)
def test_variables_of_services(namespace: str, links: bool, expected: Mapping[str, str]) -> None:
    """As in the Kubernetes documentation, "Accessing the Service", environment variables."""
    assert services.variables(SERVICES, namespace, links, "https://127.0.0.1:6443") == expected


def pod_of(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "n", "uid": "u"}
    return {"metadata": metadata, "spec": {"containers": [container], **spec}}


def launch(container: dict[str, Any], image_user: str = "", **spec: Any) -> Launch:
    whole = {"name": "c", "image": "img:1", **container}
    volumes = {volume["name"]: Path("/pods/u/volumes") / volume["name"] for volume in spec.get("volumes", [])}
    facts = ImageFacts("sha256:1", image_user)
    return launches.launch_of(whole, pod_of(whole, **spec), facts, {"A": "a$"}, volumes, Path("/pods/u"), 2)


@pytest.mark.parametrize(
    ("container", "command", "args", "process"),
    [
        ({}, None, None, ["entry"]),
        ({"args": ["$(A)", "$$(A)"]}, None, ("a$", "$(A)"), ["entry", "a$", "$(A)"]),
        ({"command": ["run", "$(A)"]}, ("run", "a$"), None, ["run", "a$"]),
        ({"command": ["run"], "args": ["x"]}, ("run",), ("x",), ["run", "x"]),
        ({"command": [], "args": []}, None, None, ["entry"]),
    ],
)
def test_the_command_of_a_container(
    container: dict[str, Any], command: tuple[str, ...] | None, args: tuple[str, ...] | None, process: list[str]
) -> None:
    made = launch(container)
    assert (made.command, made.args) == (command, args)
    assert images.command_of(made, Image(Path("/venv"), ("entry",), "", {})) == process
    config = container_config(made, "owner")
    assert config.get("Entrypoint") == (list(command) if command else None)
    assert config.get("Cmd") == (list(args) if args else None)


def test_volumes_with_a_source_are_read_only_whatever_the_mount_says() -> None:
    made = launch(
        {
            "volumeMounts": [
                {"name": "cfg", "mountPath": "/etc/cfg"},
                {"name": "tmp", "mountPath": "/tmp", "subPath": "mine"},
                {"name": "tmp", "mountPath": "/ro", "readOnly": True},
            ]
        },
        volumes=[{"name": "cfg", "configMap": {"name": "c"}}, {"name": "tmp", "emptyDir": {}}],
    )
    assert [(str(m.source), m.target, m.read_only) for m in made.mounts] == [
        ("/pods/u/volumes/cfg", "/etc/cfg", True),
        ("/pods/u/volumes/tmp/mine", "/tmp", False),
        ("/pods/u/volumes/tmp", "/ro", True),
        ("/pods/u/containers/c/termination-log", "/dev/termination-log", False),
    ]


@pytest.mark.parametrize(
    ("outer", "inner", "image_user", "words"),
    [
        ({}, {"runAsUser": 0}, NONROOT, "runAsUser breaks non-root policy"),
        ({"runAsUser": 0}, {}, NONROOT, "runAsUser breaks non-root policy"),
        ({}, {}, "", "image will run as root"),
        ({}, {}, "0:0", "image will run as root"),
        ({}, {}, "logscan", r"non-numeric user \(logscan\)"),
    ],
)
def test_a_container_that_must_not_run_as_root(
    outer: dict[str, Any], inner: dict[str, Any], image_user: str, words: str
) -> None:
    with pytest.raises(ContainerConfigError, match=words):
        launch({"securityContext": inner}, image_user, securityContext={"runAsNonRoot": True, **outer})
    launch({"securityContext": {**inner, "runAsUser": 1}}, image_user, securityContext={"runAsNonRoot": True})


RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
}


def test_the_containers_context_wins_over_the_pods() -> None:
    outer = {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "supplementalGroups": [4]}
    container = {"name": "c", "securityContext": {**RESTRICTED, "runAsUser": 9}}
    assert security.of(container, pod_of(container, securityContext=outer), "") == Security(
        uid=9, gid=2, groups=(4, 3), read_only_root=True, escalation=False, drop=("ALL",), add=("NET_BIND_SERVICE",)
    )


def test_what_an_engine_is_asked_for() -> None:
    made = launch(
        {
            "securityContext": RESTRICTED,
            "resources": {"limits": {"memory": "64Mi", "cpu": "250m"}},
            "workingDir": "/w",
            "terminationMessagePath": "/tmp/words",
        },
        securityContext={"runAsUser": 1000860000, "runAsGroup": 0, "fsGroup": 7},
    )
    config = container_config(made, "/stacks/mine/pods")
    host = config.pop("HostConfig")
    assert config == {
        "Image": "img:1",
        "Hostname": "p",
        "User": "1000860000:0",
        "Env": ["A=a$"],
        "Labels": {
            "io.kubernetes.container.name": "c",
            "io.kubernetes.pod.name": "p",
            "io.kubernetes.pod.namespace": "n",
            "io.kubernetes.pod.uid": "u",
            OWNER_LABEL: "/stacks/mine/pods",
        },
        "AttachStdout": True,
        "AttachStderr": True,
        "WorkingDir": "/w",
    }
    assert host == {
        "NetworkMode": "host",
        "LogConfig": {"Type": "none"},
        "ReadonlyRootfs": True,
        "Privileged": False,
        "CapDrop": ["ALL"],
        "CapAdd": ["NET_BIND_SERVICE"],
        "GroupAdd": ["7"],
        "SecurityOpt": ["no-new-privileges"],
        "Mounts": [
            {
                "Type": "bind",
                "Source": "/pods/u/containers/c/termination-log",
                "Target": "/tmp/words",
                "ReadOnly": False,
            }
        ],
        "Memory": 64 << 20,
        "MemorySwap": 64 << 20,
        "NanoCpus": 250_000_000,
    }


def test_what_a_pod_does_not_say_is_left_to_image_and_engine() -> None:
    config = container_config(launch({}), "owner")
    assert config["User"] == ""
    assert "Entrypoint" not in config
    assert not {"Memory", "NanoCpus"} & set(config["HostConfig"])
    assert config["HostConfig"]["SecurityOpt"] == []
    assert launch({}).name == "k8s_c_p_n_u_2"
    assert container_config(launch({}, securityContext={"runAsGroup": 5}), "owner")["User"] == "0:5"


def test_a_process_runs_as_the_user_of_its_pod_or_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert identity_command(Security(), NONROOT) == [
        "setpriv",
        "--reuid=65532",
        "--regid=65532",
        "--clear-groups",
        "--",
    ]
    restricted = Security(uid=5, gid=6, groups=(7, 8), escalation=False, drop=("ALL",))
    assert identity_command(restricted, NONROOT)[1:-1] == [
        "--reuid=5",
        "--regid=6",
        "--groups=7,8",
        "--no-new-privs",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert identity_command(restricted, NONROOT) == []
