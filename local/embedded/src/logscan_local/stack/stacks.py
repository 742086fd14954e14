"""One embedded stack: its parts started in order, found again, and stopped."""

import dataclasses
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from logscan_local.stack import aws, controlplane, emulator, nodes, processes
from logscan_local.stack.aws import Resources
from logscan_local.stack.controlplane import ControlPlanePorts
from logscan_local.stack.errors import PartFailedError, StackError
from logscan_local.stack.install import install
from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.nodes import AS_PROCESSES, NODE, PodRuntime
from logscan_local.stack.paths import StackPaths
from logscan_local.stack.ports import free_ports
from logscan_local.stack.processes import Part
from logscan_local.stack.state import State
from logscan_tools import binaries
from logscan_tools.manifests import NAMESPACE

Say = Callable[[str], None]


class Stack:
    """A stack by name. Several can run side by side."""

    def __init__(self, name: str, say: Say, runtime: PodRuntime | None = None) -> None:
        """Take the settings; nothing is started.

        Args:
            name: Its name, which is also that of its folder in the cache.
            say: Called with each line of progress.
            runtime: How pods run; None keeps the runtime of a running stack, and means processes in a new one.
        """
        self.paths = StackPaths(name)
        self._say = say
        self._runtime = runtime

    def state(self) -> State | None:
        """Return the content of the stack's state file, or None if the stack is down."""
        if not self.paths.state.exists():
            return None
        return State.read(self.paths.state)

    def kubectl(self) -> Kubectl:
        """Return kubectl for this stack."""
        state = self.state()
        program = state.kubectl if state else binaries.kubectl(self._say)
        return Kubectl(program, self.paths.kubeconfig, NAMESPACE)

    def up(self, with_operator: bool = True, with_node: bool = True, bridged: bool = False) -> State:
        """Start the stack, unless it is running; one with a dead process is started again.

        Args:
            with_operator: Whether to install logscan.
            with_node: Whether to run a node; without one, pods wait for a fake kubelet.
            bridged: Whether uploads reach the forwarder as on kind, where no Lambda runs.

        Raises:
            StackError: A process could not be started.
        """
        state = self.state()
        if state is not None:
            dead = [part for part in state.parts if not part.alive]
            if not dead:
                return self._unchanged(state)
            for part in dead:
                self._say(f"{part.name} has died; {processes.tail(part)}")
            self._say("restarting the stack ...")
        self.down()
        runtime = self._runtime or (state.runtime if state else AS_PROCESSES)
        return self._start(runtime, with_operator, with_node, bridged)

    def _unchanged(self, state: State) -> State:
        if self._runtime not in (None, state.runtime):
            raise StackError(f"in this stack {state.runtime.describe()}; run `make down` first to use another runtime")
        return state

    def down(self) -> None:
        """Stop all processes and delete the stack's files."""
        state = self.state()
        if state is not None:
            self._stop(state.parts, state.runtime)
        shutil.rmtree(self.paths.root, ignore_errors=True)

    def _stop(self, parts: list[Part], runtime: PodRuntime) -> None:
        processes.stop(list(reversed(parts)))
        nodes.clean(self.paths, runtime)

    def _start(self, runtime: PodRuntime, with_operator: bool, with_node: bool, bridged: bool) -> State:
        runtime.require()
        programs = binaries.control_plane(self._say)
        self.paths.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        etcd, peer, apiserver, manager, node, cloud_port, operator = free_ports(7)
        ports = ControlPlanePorts(etcd, peer, apiserver, manager)
        started: list[Part] = []
        try:
            with ThreadPoolExecutor(2) as pool:
                self._say("starting the control plane and the AWS emulator ...")
                cluster = pool.submit(controlplane.start, self.paths, programs, ports, NODE, NAMESPACE, started.append)
                cloud = pool.submit(self._start_aws, cloud_port, bridged, started.append)
                cluster.result()
                resources = cloud.result()
            if with_node:
                started.append(nodes.start(self.paths, node, runtime, self._say))
            state = State(started, resources, programs.kubectl, self.paths.kubeconfig, runtime)
            state.write(self.paths.state)
            if with_operator:
                self._say("installing logscan ...")
                install(self.kubectl(), resources, operator, self.paths, runtime.images)
            return state
        except BaseException:
            self._stop(started, runtime)
            self.paths.state.unlink(missing_ok=True)
            raise

    def _start_aws(self, port: int, bridged: bool, started: Callable[[Part], None]) -> Resources:
        started(emulator.start(self.paths, port))
        resources = aws.create_all(f"http://127.0.0.1:{port}", bridged)
        if bridged:
            started(emulator.start_bridge(self.paths, resources))
        return resources

    def restart(self, name: str) -> None:
        """Kill one of the stack's processes and start it again; it may not be ready when this returns.

        Raises:
            PartFailedError: There is no such process, or it could not be started.
        """
        state = self.state()
        part = next((part for part in state.parts if part.name == name), None) if state else None
        if state is None or part is None:
            raise PartFailedError(f"the stack has no process {name}")
        started = processes.start_again(part)
        parts = [started if other == part else other for other in state.parts]
        dataclasses.replace(state, parts=parts).write(self.paths.state)

    def parts(self) -> list[Part]:
        """Return the stack's processes; empty if it is down."""
        state = self.state()
        return state.parts if state else []

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which kubectl, boto3 and the AWS CLI reach this stack.

        Raises:
            PartFailedError: The stack is not up.
        """
        state = self.state()
        if state is None:
            raise PartFailedError("the stack is down: run `make up` first")
        return {
            "KUBECONFIG": str(self.paths.kubeconfig),
            "AWS_ENDPOINT_URL": state.resources.endpoint,
            "AWS_REGION": aws.REGION,
            "AWS_DEFAULT_REGION": aws.REGION,
            **aws.ADMINISTRATOR.environment(),
            "LOGSCAN_BUCKET": state.resources.bucket,
            "LOGSCAN_TABLE": state.resources.table,
            "LOGSCAN_QUEUE_URLS": state.resources.queue_url,
        }
