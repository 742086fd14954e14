"""An OCI registry on this machine: crane's, which keeps what is pushed in a folder."""

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logscan_tools import binaries
from logscan_tools.polling import poll

START_SECONDS = 20


@contextmanager
def serve(folder: Path, port: int) -> Iterator[None]:
    """Run a registry on a port of this machine, without TLS.

    Raises:
        ToolError: It does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = str(binaries.pinned(binaries.CRANE, print))
    command = [program, "registry", "serve", f"--address=127.0.0.1:{port}", f"--disk={folder}"]
    with (folder.parent / "registry.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            poll(lambda: _answers(port), START_SECONDS, "the registry to answer")
            yield
        finally:
            server.terminate()
            server.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
