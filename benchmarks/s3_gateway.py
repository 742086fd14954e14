"""An S3 server that is not what a scan waits for: the Versity gateway, a Go program, over a folder of files.

The emulator is a Python program on the same processors, and slower than the scanner that it feeds.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logscan_local.stack import aws
from logscan_tools.paths import cache_root
from logscan_tools.polling import poll

VERSION = "v1.8.0"
MODULE = "github.com/versity/versitygw/cmd/versitygw"
START_SECONDS = 20.0


def gateway() -> Path:
    """Return the gateway, built from its Go module into the cache folder the first time (about two minutes)."""
    folder = cache_root() / f"versitygw-{VERSION}"
    program = folder / "versitygw"
    if not program.exists():
        if not shutil.which("go"):
            sys.exit("needed on PATH: go, to build the S3 server")
        environment = {**os.environ, "GOBIN": str(folder)}
        subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], env=environment, check=True)
    return program


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder whose subfolders are buckets, and yield the endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "buckets").mkdir(parents=True)
    (folder / "attributes").mkdir()
    command = [str(gateway()), "--quiet", "--keep-alive", "--port", f"127.0.0.1:{port}", "--region", aws.REGION]
    user = aws.ADMINISTRATOR
    command += ["--access", user.access_key_id, "--secret", user.secret_access_key]
    command += ["posix", "--sidecar", str(folder / "attributes"), str(folder / "buckets")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError("the S3 server did not start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    poll(answers, START_SECONDS, "the S3 server to listen", interval=0.02)
