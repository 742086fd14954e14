"""The cluster as `kubectl` and the stack see it: applying manifests and waiting for them."""

import json
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from logscan_local.stack.errors import StackError

POLL_SECONDS = 0.1

Object = dict[str, Any]


class KubectlError(StackError):
    """kubectl refused; its own words are the message."""


class Kubectl:
    """kubectl with a kubeconfig and a namespace."""

    def __init__(self, program: Path, kubeconfig: Path, namespace: str) -> None:
        """Prepare; nothing is run."""
        self.program = program
        self.kubeconfig = kubeconfig
        self.namespace = namespace

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl and return what it prints.

        Raises:
            KubectlError: It ended with another status than 0, or not in time.
        """
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise KubectlError(f"kubectl {' '.join(arguments)} took over {timeout:.0f} s") from error
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> Object:
        """Return an object, or a list of them, as JSON."""
        document: Object = json.loads(self.run("get", *arguments, "--output=json"))
        return document

    def apply(self, documents: list[Object]) -> None:
        """Apply objects on the server's side, taking over fields that others own."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
        self.run("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text)

    def wait(self, what: str, seconds: float, check: Any) -> Any:
        """Return the first true value of a check.

        Raises:
            StackError: There was none in time; the message says what was waited for.
        """
        deadline = monotonic() + seconds
        while True:
            value = check()
            if value:
                return value
            if monotonic() > deadline:
                raise StackError(f"{what} did not happen within {seconds:.0f} s")
            sleep(POLL_SECONDS)
