"""One pod from its binding to its end."""

import asyncio
import logging
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from logscan_local.node import containers, environment, images, mounts, probes, volumes
from logscan_local.node.containers import Container, Launch
from logscan_local.node.environment import ContainerConfigError
from logscan_local.node.images import Image
from logscan_local.node.objects import Object, is_terminal, memory_limit, now, pod_key
from logscan_local.node.status import pod_status
from logscan_local.paths import REPOSITORY
from logscan_operator.kube import JSON_MERGE, ApiError, ApiServer

TICK_SECONDS = 0.1
PULL_RETRY_SECONDS = 10.0
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

log = logging.getLogger("node.pods")


@dataclass(frozen=True)
class NodeFacts:
    """What every pod of the node needs to know.

    Attributes:
        name: The node's name.
        address: Its address, which is every pod's too.
        folder: Where pods keep volumes and logs.
        images: What the names of images stand for.
        server_host: Host of the API server, for in-cluster clients.
        server_port: Its port.
    """

    name: str
    address: str
    folder: Path
    images: dict[str, Image]
    server_host: str
    server_port: int


class PodWorker:
    """Runs one pod in a task of its own and reports its status whenever it changes."""

    def __init__(self, pod: Object, facts: NodeFacts, api: ApiServer, session: aiohttp.ClientSession) -> None:
        self.pod = pod
        self.facts = facts
        self.api = api
        self.session = session
        self.folder = facts.folder / pod_key(pod)
        self.containers = [Container(spec) for spec in pod["spec"]["containers"]]
        self.init_containers = [Container(spec) for spec in pod["spec"].get("initContainers", [])]
        self.probes: dict[str, dict[str, probes.Probe]] = {}
        self.volumes: dict[str, Path] = {}
        self.start_time = now()
        self.ended: tuple[str, str] | None = None
        self.reported: Object = {}
        self.changed = asyncio.Event()

    def update(self, pod: Object) -> None:
        """Take a newer version of the pod; a deletion is acted upon at once."""
        self.pod = pod
        self.changed.set()

    def log_folder(self) -> Path:
        """Return the folder with the logs of the pod's containers."""
        return self.folder / "logs"

    async def run(self) -> None:
        """Run the pod to its end, or until it is deleted, then let the API server forget it."""
        try:
            await self._set_up()
            while not self._deleted and not self._finished():
                await self._tick()
        finally:
            await self._tear_down()

    @property
    def _deleted(self) -> bool:
        return self.pod["metadata"].get("deletionTimestamp") is not None

    async def _set_up(self) -> None:
        await self._report()
        while not self._deleted:
            try:
                self.volumes = await volumes.prepare(self.pod, self.folder / "volumes", self.api, self._lookup)
                return
            except (ContainerConfigError, ApiError) as error:
                for container in self.containers:
                    container.waiting = ("ContainerCreating", f"volumes: {error}")
                await self._report()
                await self._pause(1.0)

    async def _tick(self) -> None:
        clock = asyncio.get_running_loop().time()
        pending_init = next((c for c in self.init_containers if not _succeeded(c)), None)
        for container in [pending_init] if pending_init else self.containers:
            await self._advance(container, clock)
        await self._probe_all(clock)
        self._enforce_deadline()
        await self._report()
        await self._pause(TICK_SECONDS)

    async def _advance(self, container: Container, clock: float) -> None:
        if container.process is not None:
            if not container.running:
                containers.finish(container)
                self._after_end(container, clock)
        elif container.waiting is not None and clock >= container.backoff_until:
            await self._start(container, clock)

    def _after_end(self, container: Container, clock: float) -> None:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        failed = bool(container.terminated and container.terminated["exitCode"])
        again = policy == "Always" and container in self.containers
        if again or (policy != "Never" and failed):
            containers.schedule_restart(container, clock)

    async def _start(self, container: Container, clock: float) -> None:
        image = images.find(self.facts.images, container.spec["image"])
        if image is None:
            first = container.backoff_until == 0
            known = ", ".join(sorted(self.facts.images))
            message = f"image {container.spec['image']!r} is not on this node, which has {known}"
            container.waiting = ("ErrImagePull" if first else "ImagePullBackOff", message)
            container.backoff_until = clock + PULL_RETRY_SECONDS
            return
        try:
            launch = await self._launch(container, image)
        except (ContainerConfigError, ValueError) as error:
            container.waiting = (ContainerConfigError.reason, str(error))
            container.backoff_until = clock + 1.0
            return
        await containers.start(container, launch, clock)
        self._set_probes(container, clock)

    async def _launch(self, container: Container, image: Image) -> Launch:
        spec, folder = container.spec, self.folder / "containers" / container.name
        folder.mkdir(parents=True, exist_ok=True)
        termination = folder / "termination-log"
        termination.touch()
        wanted = [
            mounts.Mount(self._volume_path(m), m["mountPath"], m.get("readOnly", False))
            for m in spec.get("volumeMounts", [])
        ]
        wanted.append(mounts.Mount(termination, spec.get("terminationMessagePath", mounts.TERMINATION_LOG)))
        env = {"PATH": image.path, "HOSTNAME": self.pod["metadata"]["name"], "HOME": "/tmp"}  # noqa: S108
        env |= {"KUBERNETES_SERVICE_HOST": self.facts.server_host}
        env |= {"KUBERNETES_SERVICE_PORT": str(self.facts.server_port), "LANG": "C.UTF-8"}
        env |= await environment.resolve(spec, self.pod, self.facts.address, self._lookup)
        command = images.command_of(spec, image)
        if mounts.namespace_command() is None:
            env = {name: mounts.rewrite(value, wanted) for name, value in env.items()}
            command = [mounts.rewrite(part, wanted) for part in command]
            env |= self._kubeconfig(wanted, folder)
        read_only = spec.get("securityContext", {}).get("readOnlyRootFilesystem", False)
        return Launch(
            command=mounts.wrap(command, wanted, folder / "scratch", read_only, _needed_by(image)),
            env=env,
            cwd=Path(spec.get("workingDir") or "/"),
            log=container.log_path(self.log_folder()),
            termination=termination,
            memory_limit=memory_limit(spec),
        )

    def _kubeconfig(self, wanted: list[mounts.Mount], folder: Path) -> dict[str, str]:
        """Return a KUBECONFIG for processes that cannot see the service account at its well-known path."""
        source = next((m.source for m in wanted if m.target == SERVICE_ACCOUNT), None)
        if source is None:
            return {}
        path = folder / "kubeconfig"
        server = f"https://{self.facts.server_host}:{self.facts.server_port}"
        path.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: pod\n"
            f"clusters: [{{name: c, cluster: {{server: '{server}', certificate-authority: '{source / 'ca.crt'}'}}}}]\n"
            f"users: [{{name: u, user: {{tokenFile: '{source / 'token'}'}}}}]\n"
            "contexts: [{name: pod, context: {cluster: c, user: u}}]\n"
        )
        return {"KUBECONFIG": str(path)}

    def _volume_path(self, mount: Object) -> Path:
        path = self.volumes[mount["name"]]
        return path / mount["subPath"] if "subPath" in mount else path

    def _set_probes(self, container: Container, clock: float) -> None:
        wanted = {}
        for kind, healthy in (("livenessProbe", True), ("readinessProbe", False)):
            if kind in container.spec:
                wanted[kind] = probes.Probe.of(container.spec[kind], container.spec, clock, healthy)
        self.probes[container.name] = wanted
        container.ready = "readinessProbe" not in wanted

    async def _probe_all(self, clock: float) -> None:
        for container in self.containers:
            for kind, probe in self.probes.get(container.name, {}).items():
                if not container.running or clock < probe.next_at:
                    continue
                env = container.launch.env if container.launch else {}
                probe.count(await probes.answers(probe, env, self.session), clock)
                if kind == "readinessProbe":
                    container.ready = probe.healthy
                elif not probe.healthy:
                    log.info("pod %s: container %s is not alive", self.pod["metadata"]["name"], container.name)
                    await containers.stop(container, self._grace())

    def _enforce_deadline(self) -> None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is not None and self._age() > seconds:
            message = "Pod was active on the node longer than the specified deadline"
            self.ended = ("DeadlineExceeded", message)

    def _age(self) -> float:
        started = min((c.started for c in self.containers if c.started), default=None)
        return asyncio.get_running_loop().time() - started if started else 0.0

    def _finished(self) -> bool:
        if self.ended:
            return True
        if any(c.terminated and c.terminated["exitCode"] for c in self.init_containers):
            return True
        return all(c.terminated is not None for c in self.containers)

    def _grace(self) -> float:
        spec, metadata = self.pod["spec"], self.pod["metadata"]
        seconds = metadata.get("deletionGracePeriodSeconds", spec.get("terminationGracePeriodSeconds", 30))
        return float(seconds)

    async def _tear_down(self) -> None:
        every = [*self.init_containers, *self.containers]
        await asyncio.gather(*(containers.stop(c, self._grace()) for c in every))
        for container in every:
            if container.process is not None:
                containers.finish(container)
        await self._report()
        if not self._deleted:
            await self._wait_deleted()
        await self._forget()

    async def _wait_deleted(self) -> None:
        while not self._deleted:
            self.changed.clear()
            await self.changed.wait()

    async def _forget(self) -> None:
        metadata = self.pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
        try:
            await self.api.request("DELETE", path, body)
        except ApiError as error:
            if error.status not in (404, 409):
                raise
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _report(self) -> None:
        status = pod_status(
            self.containers,
            self.init_containers,
            self.start_time,
            self.facts.address,
            self.ended,
            self.reported,
        )
        if status == self.reported or is_terminal({"status": self.reported}):
            return
        metadata = self.pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        try:
            await self.api.request("PATCH", path, {"status": status}, content_type=JSON_MERGE)
            self.reported = status
        except ApiError as error:
            if error.status == 404:
                metadata["deletionTimestamp"] = now()
            else:
                log.warning("pod %s: status not written: %s", metadata["name"], error)

    async def _lookup(self, kind: str, name: str) -> dict[str, str]:
        return await environment.read_values(self.api, self.pod["metadata"]["namespace"], kind, name)

    async def _pause(self, seconds: float) -> None:
        """Wait for a change of the pod, a process that ends, or at the most some seconds."""
        self.changed.clear()
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self.changed.wait())]
        waits += [
            asyncio.ensure_future(c.process.wait())
            for c in (*self.containers, *self.init_containers)
            if c.process is not None and c.running
        ]
        _, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()


def _needed_by(image: Image) -> list[Path]:
    """Return the folders without which an image's programs do not run: its environment, our code, Python itself."""
    return [image.environment, REPOSITORY, Path(sys.base_prefix)]


def _succeeded(container: Container) -> bool:
    return container.terminated is not None and container.terminated["exitCode"] == 0
