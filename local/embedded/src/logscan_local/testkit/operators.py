"""Operator processes of this machine, outside of any pod: for tests and benchmarks that kill, pause and count them."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from logscan_local.stack import aws
from logscan_local.stack.ports import free_ports
from logscan_local.stack.state import State

STOP_SECONDS = 60
SIGNING_KEY = "of all operators of the tests, so that one believes the rows of another"


class OperatorProcess:
    """An operator process that can be killed (-9), paused and queried."""

    def __init__(
        self, kubeconfig: Path, state: State, queue_url: str, namespace: str, log: Path, **settings: str
    ) -> None:
        """Start an operator.

        Args:
            kubeconfig: The cluster and the user.
            state: The addresses of the stack.
            queue_url: The URL of its queue.
            namespace: Its namespace.
            log: The file for its output.
            settings: Further settings without their prefix, such as `max_concurrent="1"`.
        """
        (self.port,) = free_ports(1)
        keys = log.parent / "signing-keys"
        keys.mkdir(exist_ok=True)
        (keys / "current").write_text(SIGNING_KEY)
        values = {
            "namespace": namespace,
            "queue_urls": queue_url,
            "table": state.resources.table,
            "signing_keys": str(keys),
            "scanner_image": "logscan-scanner:local",
            "scanner_env_secret": "keys",
            "receive_wait_seconds": "1",
            "visibility_seconds": "10",
            "retry_first_seconds": "0.5",
            "queued_after_seconds": "1",
            "lease_seconds": "3",
            "http_port": str(self.port),
            "unlisted_namespaces": "Allow",
            # Labels instruct the fake kubelet.
            "tenant_job_fields": "resources,labels",
            **settings,
        }
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "AWS_ENDPOINT_URL": state.resources.endpoint,
            "AWS_REGION": aws.REGION,
            **aws.ADMINISTRATOR.environment(),
            **{f"LOGSCAN_{name.upper()}": value for name, value in values.items()},
        }
        self.log = log
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "logscan_operator"]
            return subprocess.Popen(command, env=self._environment, stdout=output, stderr=output)

    def restart_if_ended(self) -> None:
        """Start it again if it has ended, as a kubelet would: on a busy machine an operator loses a short lease."""
        if self.process.poll() is not None:
            self.process = self._start()

    def ask(self, path: str) -> str:
        """Return its answer to a GET, whatever the status; empty while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return str(refusal.read().decode())
        except (urllib.error.URLError, OSError):
            return ""

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels, 0 if it is missing."""
        lines = [line for line in self.ask("/metrics").splitlines() if line.startswith(f"{name} ")]
        return float(lines[0].split()[1]) if lines else 0.0

    @property
    def leading(self) -> bool:
        """Return whether its metric says that it leads."""
        return self.metric("logscan_leader") == 1

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it at once (-9)."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop it and wait until it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(STOP_SECONDS)

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def resident_mib(self) -> float:
        """Return its resident memory in MiB."""
        return float(psutil.Process(self.process.pid).memory_info().rss / 2**20)
