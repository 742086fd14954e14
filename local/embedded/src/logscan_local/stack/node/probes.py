"""Probes: when one is due, what its answers add up to, and what follows for the container."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from logscan_local.stack.node.objects import Object

Execute = Callable[[list[str]], Awaitable[int]]


@dataclass
class Probe:
    """One probe of a running container and the run of equal answers so far."""

    spec: Object
    ports: dict[str, int]
    next_at: float
    healthy: bool
    streak: int = 0

    @classmethod
    def of(cls, spec: Object, container: Object, started: float, healthy: bool) -> "Probe":
        """Return a probe that starts `initialDelaySeconds` after its container.

        Args:
            spec: The probe's spec.
            container: Its container, for the names of ports.
            started: When the container started, in seconds of the loop's clock.
            healthy: What holds until enough answers say otherwise.
        """
        ports = {p["name"]: int(p["containerPort"]) for p in container.get("ports", []) if "name" in p}
        return cls(spec, ports, started + spec.get("initialDelaySeconds", 0), healthy)

    def count(self, success: bool, now: float) -> None:
        """Take an answer into account: `healthy` turns after the threshold's number of equal answers."""
        self.next_at = now + self.spec.get("periodSeconds", 10)
        if success == self.healthy:
            self.streak = 0
            return
        self.streak += 1
        threshold = self.spec.get("successThreshold", 1) if success else self.spec.get("failureThreshold", 3)
        if self.streak >= threshold:
            self.healthy, self.streak = success, 0

    def url(self) -> str | None:
        """Return the address of an HTTP probe."""
        get = self.spec.get("httpGet")
        if get is None:
            return None
        port = get["port"]
        number = self.ports[port] if isinstance(port, str) and port in self.ports else int(port)
        return f"{get.get('scheme', 'HTTP').lower()}://{get.get('host', '127.0.0.1')}:{number}{get.get('path', '/')}"


@dataclass
class Health:
    """The probes of one start of a container, and what their answers say.

    Liveness and readiness wait for the startup probe, if there is one.

    Attributes:
        started: Whether the startup probe has succeeded.
        ready: Whether the container takes requests.
        doomed: The kind of the probe that wants the container restarted, or None.
    """

    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None
    started: bool = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.startup is None

    @classmethod
    def of(cls, container: Object, started: float) -> "Health":
        """Return the probes of a container that started just now.

        Args:
            container: Its spec.
            started: The loop's time.
        """

        def probe(kind: str, healthy: bool) -> Probe | None:
            return Probe.of(container[kind], container, started, healthy) if kind in container else None

        return cls(probe("startupProbe", True), probe("livenessProbe", True), probe("readinessProbe", False))

    @property
    def ready(self) -> bool:
        """Return whether the container takes requests."""
        return self.started and (self.readiness is None or self.readiness.healthy)

    @property
    def doomed(self) -> str | None:
        """Return which probe wants the container restarted, if one does."""
        if self.startup is not None and not self.startup.healthy:
            return "startup"
        return "liveness" if self.liveness is not None and not self.liveness.healthy else None

    def due(self, now: float) -> list[Probe]:
        """Return the probes to be asked now."""
        candidates = [self.liveness, self.readiness] if self.started else [self.startup]
        return [probe for probe in candidates if probe is not None and now >= probe.next_at]

    def count(self, probe: Probe, success: bool, now: float) -> None:
        """Take a probe's answer into account."""
        probe.count(success, now)
        if probe is self.startup and success:
            self.started = True


async def answers(probe: Probe, execute: Execute, session: aiohttp.ClientSession) -> bool:
    """Return whether a probe succeeds now: an HTTP status below 400, or a command that exits with 0.

    Args:
        probe: The probe.
        execute: Runs a command in the container.
        session: For HTTP.
    """
    try:
        async with asyncio.timeout(probe.spec.get("timeoutSeconds", 1)):
            url = probe.url()
            if url is not None:
                async with session.get(url, ssl=False) as response:
                    return response.status < 400
            command = probe.spec.get("exec", {}).get("command")
            return await execute(command) == 0 if command else True
    except (TimeoutError, OSError, aiohttp.ClientError):
        return False
