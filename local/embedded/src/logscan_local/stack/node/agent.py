"""The node's main loop: register, heartbeat, bind pods, run those that are bound here."""

import asyncio
import logging
import shutil
import signal
from contextlib import aclosing

import aiohttp
from aiohttp import web

from logscan_local.stack.node import kubelet_api, volumes
from logscan_local.stack.node.config import NodeConfig
from logscan_local.stack.node.docker_runtime import DockerRuntime
from logscan_local.stack.node.objects import Object, is_terminal, now, pod_key
from logscan_local.stack.node.pods import NodeFacts, PodWorker
from logscan_local.stack.node.process_runtime import ProcessRuntime
from logscan_local.stack.node.registration import lease_body, node_body, node_status
from logscan_local.stack.node.runtime import Runtime
from logscan_operator.kube import JSON_MERGE, ApiError, ApiServer, Connection

HEARTBEAT_SECONDS = 10.0
RETRY_SECONDS = 0.5

log = logging.getLogger("node.agent")


class Agent:
    """A node and the pods that it runs."""

    def __init__(self, config: NodeConfig, runtime: Runtime, api: ApiServer, session: aiohttp.ClientSession) -> None:
        self.config = config
        self.api = api
        self.session = session
        self.runtime = runtime
        self.facts = NodeFacts(
            address=config.address, folder=config.pods, runtime=runtime, api_server=api.connection.server
        )
        self.workers: dict[str, PodWorker] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work until cancelled; then stop all containers without a word to the API server."""
        await self._clean()
        await self._register()
        beat = asyncio.create_task(self._heartbeat())
        try:
            while True:
                await self._follow_pods()
        finally:
            beat.cancel()
            await self._abandon_pods()
            await self._clean()

    async def _abandon_pods(self) -> None:
        """Kill all containers; their workers end first, lest they start them again."""
        workers, tasks = list(self.workers.values()), list(self.tasks.values())
        for worker in workers:
            worker.abandoned = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for worker in workers:
            for container in (*worker.containers, *worker.init_containers):
                if container.run is not None:
                    await container.run.signal(signal.SIGKILL)

    async def _clean(self) -> None:
        """Remove what is left of pods: containers, volumes in memory, and at the start the logs too."""
        await self.runtime.clean()
        volumes.release(self.config.pods)
        shutil.rmtree(self.config.pods, ignore_errors=True)

    def find_pod(self, namespace: str, name: str) -> PodWorker | None:
        """Return the worker of a pod by its name."""
        for worker in self.workers.values():
            metadata = worker.pod["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                return worker
        return None

    async def _register(self) -> None:
        body = node_body(self.config)
        try:
            await self.api.request("POST", "/api/v1/nodes", body)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        await self._write_status()
        path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        try:
            await self.api.request("POST", path, lease_body(self.config.name))
        except ApiError as error:
            if error.reason not in ("AlreadyExists", "NotFound"):
                raise

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await self._write_status()
                path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self.config.name}"
                renewal = {"spec": lease_body(self.config.name)["spec"]}
                await self.api.request("PATCH", path, renewal, content_type=JSON_MERGE)
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                log.warning("heartbeat failed: %s", error)

    async def _write_status(self) -> None:
        path = f"/api/v1/nodes/{self.config.name}/status"
        await self.api.request(
            "PATCH", path, {"status": node_status(self.config, self.runtime)}, content_type=JSON_MERGE
        )

    async def _follow_pods(self) -> None:
        """List and watch all pods once, until the watch ends or breaks."""
        try:
            listed = await self.api.request("GET", "/api/v1/pods")
            present = {pod_key(pod) for pod in listed["items"]}
            for pod in listed["items"]:
                await self._take(pod)
            for uid in set(self.workers) - present:
                self._gone(uid)
            version = listed["metadata"]["resourceVersion"]
            async for event in self.api.watch("/api/v1/pods", {"resourceVersion": version}):
                if event["type"] == "DELETED":
                    self._gone(pod_key(event["object"]))
                elif event["type"] != "BOOKMARK":
                    await self._take(event["object"])
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("the watch of pods broke: %s", error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _take(self, pod: Object) -> None:
        uid, node = pod_key(pod), pod["spec"].get("nodeName")
        if uid in self.workers:
            self.workers[uid].update(pod)
        elif node is None:
            await self._bind(pod)
        elif node == self.config.name:
            self._start(uid, pod)

    def _start(self, uid: str, pod: Object) -> None:
        worker = PodWorker(pod, self.facts, self.api, self.session)
        if is_terminal(pod):
            worker.ended = ("Lost", "the node was restarted")
            worker.reported = pod["status"]
        self.workers[uid] = worker
        task = asyncio.create_task(worker.run())
        task.add_done_callback(lambda done: self._done(uid, done))
        self.tasks[uid] = task

    def _done(self, uid: str, task: asyncio.Task[None]) -> None:
        self.workers.pop(uid, None)
        self.tasks.pop(uid, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("pod %s: its worker broke", uid, exc_info=task.exception())

    def _gone(self, uid: str) -> None:
        worker = self.workers.get(uid)
        if worker is not None:
            metadata = {**worker.pod["metadata"], "deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}
            worker.update({**worker.pod, "metadata": metadata})

    async def _bind(self, pod: Object) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        wanted = pod["spec"].get("nodeSelector", {})
        lacking = {k: v for k, v in wanted.items() if self.config.labels.get(k) != v}
        if pod["spec"].get("schedulingGates") or metadata.get("deletionTimestamp"):
            return
        if lacking:
            await self._refuse(pod, path, f"0/1 nodes are available: 1 node(s) lack the labels {lacking}.")
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": self.config.name}
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"]},
            "target": target,
        }
        try:
            await self.api.request("POST", f"{path}/binding", body)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    async def _refuse(self, pod: Object, path: str, message: str) -> None:
        if any(c["type"] == "PodScheduled" for c in pod.get("status", {}).get("conditions", [])):
            return
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        condition["lastTransitionTime"] = now()
        await self.api.request(
            "PATCH", f"{path}/status", {"status": {"conditions": [condition]}}, content_type=JSON_MERGE
        )


async def runtime_of(config: NodeConfig) -> Runtime:
    """Return the runtime that a node's settings name."""
    if config.runtime == "docker":
        return await DockerRuntime.connect(str(config.pods))
    return ProcessRuntime(config.images)


async def serve(config: NodeConfig) -> None:
    """Run a node until this task is cancelled."""
    async with (
        ApiServer(Connection(str(config.kubeconfig))) as api,
        aiohttp.ClientSession() as session,
        aclosing(await runtime_of(config)) as runtime,
    ):
        agent = Agent(config, runtime, api, session)
        runner = web.AppRunner(kubelet_api.application(agent.find_pod), access_log=None, shutdown_timeout=1)
        await runner.setup()
        context = kubelet_api.tls_context(config.pki)
        await web.TCPSite(runner, config.address, config.port, ssl_context=context).start()
        try:
            await agent.run()
        finally:
            await runner.cleanup()
