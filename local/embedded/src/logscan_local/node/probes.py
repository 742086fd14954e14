"""Liveness and readiness: when a probe is due, and what its answers add up to."""

import asyncio
from dataclasses import dataclass

import aiohttp

from logscan_local.node.objects import Object


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


async def answers(probe: Probe, env: dict[str, str], session: aiohttp.ClientSession) -> bool:
    """Return whether a probe succeeds now: an HTTP status below 400, or a command that exits with 0."""
    seconds = probe.spec.get("timeoutSeconds", 1)
    try:
        async with asyncio.timeout(seconds):
            url = probe.url()
            if url is not None:
                async with session.get(url, ssl=False) as response:
                    return response.status < 400
            command = probe.spec.get("exec", {}).get("command")
            if command:
                quiet = asyncio.subprocess.DEVNULL
                process = await asyncio.create_subprocess_exec(*command, env=env, stdout=quiet, stderr=quiet)
                return await process.wait() == 0
            return True
    except (TimeoutError, OSError, aiohttp.ClientError):
        return False
