"""One pod from its binding to its end."""

import asyncio
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from logscan_local.stack.node import containers, environment, launches, probes, services, volumes
from logscan_local.stack.node.containers import Container
from logscan_local.stack.node.environment import ContainerConfigError
from logscan_local.stack.node.objects import Object, is_terminal, now, pod_key
from logscan_local.stack.node.probes import Health
from logscan_local.stack.node.runtime import ImageFacts, ImageMissingError, Runtime
from logscan_local.stack.node.status import pod_status
from logscan_operator.kube import JSON_MERGE, ApiError, ApiServer

TICK_SECONDS = 0.1
RETRY_SECONDS = 1.0
PULL_RETRY_SECONDS = 10.0
USAGE_SECONDS = 10.0

log = logging.getLogger("node.pods")


@dataclass(frozen=True)
class NodeFacts:
    """What every pod of the node needs to know.

    Attributes:
        address: The node's address, which is every pod's too.
        folder: Where pods keep volumes and logs.
        runtime: What runs their containers.
        api_server: The API server's URL, for in-cluster clients.
    """

    address: str
    folder: Path
    runtime: Runtime
    api_server: str


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
        self.health: dict[str, Health] = {}
        self.volumes: dict[str, Path] = {}
        self.start_time = now()
        self.ended: tuple[str, str] | None = None
        self.reported: Object = {}
        self.measured = 0.0
        self.abandoned = False
        self.changed = asyncio.Event()

    def update(self, pod: Object) -> None:
        """Take a newer version of the pod; a deletion is acted upon at once."""
        self.pod = pod
        self.changed.set()

    def log_path(self, container: Container, previous: bool = False) -> Path:
        """Return the log of a container's latest start, or of the one before."""
        return launches.log_path(self.folder, container.name, max(container.restarts - previous, 0))

    async def run(self) -> None:
        """Run the pod to its end, or until it is deleted, then let the API server forget it."""
        try:
            await self._set_up()
            while not self._deleted and not self._finished():
                await self._tick()
        finally:
            if not self.abandoned:
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
                await self._pause(RETRY_SECONDS)

    async def _tick(self) -> None:
        clock = asyncio.get_running_loop().time()
        pending_init = next((c for c in self.init_containers if not _succeeded(c)), None)
        for container in [pending_init] if pending_init else self.containers:
            await self._advance(container, clock)
        await self._probe_all(clock)
        self._enforce_deadline()
        self._enforce_volume_sizes(clock)
        await self._report()
        await self._pause(TICK_SECONDS)

    async def _advance(self, container: Container, clock: float) -> None:
        if container.run is not None:
            if not container.running:
                self._finish(container)
                self._after_end(container, clock)
        elif container.waiting is not None and clock >= container.backoff_until:
            await self._start(container, clock)

    def _finish(self, container: Container) -> None:
        words = launches.termination_path(self.folder, container.name)
        containers.finish(container, self.log_path(container), words)

    def _after_end(self, container: Container, clock: float) -> None:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        failed = bool(container.terminated and container.terminated["exitCode"])
        again = policy == "Always" and container in self.containers
        if again or (policy != "Never" and failed):
            containers.schedule_restart(container, clock)

    async def _start(self, container: Container, clock: float) -> None:
        reference = container.spec["image"]
        try:
            image = await self.facts.runtime.image(reference, _pull_policy(container.spec))
            await self._launch(container, image, clock)
        except ImageMissingError as error:
            again = container.backoff_until > 0 and error.reason == "ErrImagePull"
            container.waiting = ("ImagePullBackOff" if again else error.reason, str(error))
            container.backoff_until = clock + PULL_RETRY_SECONDS
        except (ContainerConfigError, ValueError) as error:
            container.waiting = (ContainerConfigError.reason, str(error))
            container.backoff_until = clock + RETRY_SECONDS

    async def _launch(self, container: Container, image: ImageFacts, clock: float) -> None:
        env = await environment.resolve(
            container.spec, self.pod, self.facts.address, self._lookup, await self._service_variables()
        )
        launch = launches.launch_of(container.spec, self.pod, image, env, self.volumes, self.folder, container.restarts)
        words = launches.termination_path(self.folder, container.name)
        container.image_id = image.identifier
        await containers.start(container, launch, words, self.facts.runtime, clock)
        self.health[container.name] = Health.of(container.spec, clock)
        self._show_health(container)

    async def _service_variables(self) -> dict[str, str]:
        links = self.pod["spec"].get("enableServiceLinks", True)
        namespace = self.pod["metadata"]["namespace"]
        listed = await self.api.request("GET", f"/api/v1/namespaces/{namespace}/services") if links else {"items": []}
        return services.variables(listed["items"], namespace, links, self.facts.api_server)

    async def _probe_all(self, clock: float) -> None:
        for container in self.containers:
            health = self.health.get(container.name)
            if health is None or container.run is None:
                continue
            for probe in health.due(clock):
                if container.running:
                    health.count(probe, await probes.answers(probe, container.run.execute, self.session), clock)
            self._show_health(container)
            if container.running and health.doomed:
                name = self.pod["metadata"]["name"]
                log.info("pod %s: container %s failed its %s probe", name, container.name, health.doomed)
                await containers.stop(container, self._grace())

    def _show_health(self, container: Container) -> None:
        health = self.health[container.name]
        container.started, container.ready = health.started, health.ready

    def _enforce_deadline(self) -> None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        if seconds is not None and self._age() > seconds:
            message = "Pod was active on the node longer than the specified deadline"
            self.ended = ("DeadlineExceeded", message)

    def _enforce_volume_sizes(self, clock: float) -> None:
        if clock - self.measured > USAGE_SECONDS:
            self.measured = clock
            full = volumes.exceeded(self.pod, self.volumes)
            if full is not None:
                self.ended = ("Evicted", full)

    def _age(self) -> float:
        started = min((c.began for c in self.containers if c.began), default=None)
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
            if container.run is not None:
                self._finish(container)
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
        volumes.release(self.folder)
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
        wakes = asyncio.create_task(self.changed.wait())
        endings = [c.run.ending for c in (*self.containers, *self.init_containers) if c.run is not None and c.running]
        await asyncio.wait([wakes, *endings], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        wakes.cancel()


def _pull_policy(container: Object) -> str:
    """Return a container's policy; the API server fills it in, this is for objects that never passed it."""
    return str(container.get("imagePullPolicy", "IfNotPresent"))


def _succeeded(container: Container) -> bool:
    return container.terminated is not None and container.terminated["exitCode"] == 0
