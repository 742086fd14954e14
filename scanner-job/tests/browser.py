"""Chromium, driven over pipes by its DevTools protocol: pages are opened in the browser that a person would use."""

import base64
import fcntl
import json
import os
import select
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

SECONDS = 60.0  # for an answer
FIRST_FREE = 16  # descriptors below stay as they are until the child has its own
# Without a sandbox, which root cannot have; the pages are our own, and nothing is reached over a network.
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
]

Message = dict[str, Any]


class Browser:
    """A Chromium process with one page.

    Attributes:
        events: What happened in the page since it was opened.
    """

    def __init__(self, program: str, profile: Path) -> None:
        """Start it with a profile of its own."""
        inside_read, self._write = _pipe()
        self._read, inside_write = _pipe()
        actions = [(os.POSIX_SPAWN_DUP2, inside_read, 3), (os.POSIX_SPAWN_DUP2, inside_write, 4)]
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        command = [program, *OPTIONS, f"--user-data-dir={profile}"]
        self._pid = os.posix_spawn(program, command, os.environ, file_actions=[*quiet, *actions])
        os.close(inside_read)
        os.close(inside_write)
        self.events: list[Message] = []
        self._number = 0
        self._rest = b""
        self._session: str | None = None
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: Any) -> Message:
        """Return the answer to a command.

        Raises:
            RuntimeError: The browser refused it.
        """
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        command = {"id": self._number, "method": method, "params": parameters, **session}
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while (message := self._next()).get("id") != self._number:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        result: Message = message["result"]
        return result

    def open(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self.events.clear()
        self("Page.navigate", url=url)
        while not self.happened("Page.loadEventFired"):
            self.events.append(self._next())

    def happened(self, method: str) -> list[Message]:
        """Return the parameters of all events of a kind since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def ask(self, expression: str) -> Any:
        """Return the value of JavaScript in the page, once it is settled.

        Raises:
            RuntimeError: It threw.
        """
        answer = self("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press a key."""
        codes = {"Tab": 9, "Enter": 13}
        more = {"windowsVirtualKeyCode": codes[key]} if key in codes else {}
        self("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, **more)
        self("Input.dispatchKeyEvent", type="keyUp", key=key, **more)

    def printed(self) -> bytes:
        """Return the page as PDF."""
        return base64.b64decode(self("Page.printToPDF", printBackground=True)["data"])

    def close(self) -> None:
        """End the process."""
        os.write(self._write, b'{"id":0,"method":"Browser.close"}\0')
        while self._more():
            pass
        os.waitpid(self._pid, 0)
        os.close(self._read)
        os.close(self._write)

    def _next(self) -> Message:
        deadline = monotonic() + SECONDS
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], max(deadline - monotonic(), 0))[0]:
                raise TimeoutError("Chromium does not answer")
            if not self._more():
                raise RuntimeError("Chromium has ended")
        data, self._rest = self._rest.split(b"\0", 1)
        message: Message = json.loads(data)
        return message

    def _more(self) -> bool:
        data = os.read(self._read, 1 << 20)
        self._rest += data
        return bool(data)


def _pipe() -> tuple[int, int]:
    """Return both ends of a pipe, of which a child inherits none as it is."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield Chromium; without it the test is skipped, or fails in CI."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        missing = "Chromium is not installed: the report's page is not tested (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        made = Browser(program, Path(profile))
        yield made
        made.close()
