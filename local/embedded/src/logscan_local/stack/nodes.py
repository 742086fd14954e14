"""The stack's node: which images it has, how it is started, and what is removed when it is gone."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from logscan_local.stack import engine, environments, processes
from logscan_local.stack.errors import StackError
from logscan_local.stack.node import mounts, volumes
from logscan_local.stack.node.config import NodeConfig
from logscan_local.stack.paths import StackPaths
from logscan_local.stack.processes import Part
from logscan_tools.imagebuild import VERSION

NODE = "local"
PROCESS, DOCKER = "process", "docker"
RUNTIMES = (PROCESS, DOCKER)


@dataclass(frozen=True)
class PodRuntime:
    """How pods run.

    Attributes:
        kind: One of `RUNTIMES`.
        tag: The tag of both images, for containers.
    """

    kind: str = PROCESS
    tag: str = VERSION

    def __post_init__(self) -> None:
        if self.kind not in RUNTIMES:
            raise StackError(f"RUNTIME {self.kind!r} is none: use {' or '.join(RUNTIMES)}")

    @property
    def images(self) -> dict[str, str]:
        """Return the references of our images by name, where the manifests' own are not the engine's."""
        if self.kind == PROCESS:
            return {}
        return {name: f"{name}:{self.tag}" for name in ("logscan-operator", "logscan-scanner")}

    def require(self) -> None:
        """See that pods can run this way.

        Raises:
            EngineError: There is no engine, or it lacks an image.
        """
        if self.kind == DOCKER:
            engine.require(list(self.images.values()))

    def describe(self) -> str:
        """Return what a user should know of how pods run here."""
        if self.kind == DOCKER:
            return f"pods run in containers of the images tagged {self.tag}"
        if mounts.namespace_command() is None:
            return "pods run as processes: this machine gives them neither mounts nor users of their own"
        if not mounts.is_root():
            return "pods run as processes of your user: only root may run them as the users that they name"
        return "pods run as processes, each as the user that it names"


AS_PROCESSES = PodRuntime()


def start(paths: StackPaths, port: int, runtime: PodRuntime, say: Callable[[str], None]) -> Part:
    """Start the node.

    Args:
        paths: The stack's files.
        port: The port of its kubelet API.
        runtime: How pods run.
        say: Called with lines of progress.

    Raises:
        StackError: An environment for the pods could not be made.
    """
    config = NodeConfig(
        name=NODE,
        address="127.0.0.1",
        port=port,
        kubeconfig=paths.root / "node.kubeconfig",
        pki=paths.pki,
        pods=paths.pods,
        labels={"logscan.dev/embedded": "true"},
        runtime=runtime.kind,
        images=environments.images(say) if runtime.kind == PROCESS else {},
    )
    path = paths.root / "node.json"
    config.write(path)
    return processes.start(
        "node", [sys.executable, "-m", "logscan_local.stack.node", str(path)], paths.logs / "node.log"
    )


def clean(paths: StackPaths, runtime: PodRuntime) -> None:
    """Remove what a node that was killed could not: its containers, and its volumes in memory."""
    if runtime.kind == DOCKER:
        engine.remove_containers(str(paths.pods))
    volumes.release(paths.pods)
