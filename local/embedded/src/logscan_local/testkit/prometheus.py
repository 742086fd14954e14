"""A real Prometheus (Debian's package) that scrapes the operator of a stack."""

import json
import math
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.ports import free_ports
from logscan_tools.polling import poll

PROGRAM = "prometheus"
OPERATOR = "--selector=app.kubernetes.io/component=operator"
START_SECONDS = 60
# What Grafana makes of the namespace that is chosen.
NAMESPACE = "logscan"


class Prometheus:
    """A server."""

    def __init__(self, url: str) -> None:
        """Remember where it is."""
        self._url = url

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=10) as answer:  # noqa: S310
            return json.load(answer)["data"]

    def ask(self, expression: str) -> list[float]:
        """Return the values of what a query finds now, without those that are no number."""
        found = self.get("query", query=expression)["result"]
        return [value for series in found if not math.isnan(value := float(series["value"][1]))]

    def ready(self) -> bool:
        """Return whether it has scraped the operator."""
        try:
            return self.ask("up") == [1.0]
        except OSError:
            return False


@contextmanager
def scraping(program: str, kubectl: Kubectl, folder: Path, rules: dict[str, Any]) -> Iterator[Prometheus]:
    """Yield a Prometheus that has scraped the operator, each second.

    Args:
        program: Its program.
        kubectl: The cluster of the operator.
        folder: An empty folder for its files.
        rules: Alerts, as in the spec of a PrometheusRule.

    Raises:
        NotReachedError: It did not scrape in time.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    target = {"targets": [operator_address(kubectl)], "labels": {"namespace": NAMESPACE}}
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "2s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "logscan", "static_configs": [target]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    (port,) = free_ports(1)
    command = [program, f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command.append(f"--web.listen-address=127.0.0.1:{port}")
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            server = Prometheus(f"http://127.0.0.1:{port}")
            poll(
                lambda: process.poll() is not None or server.ready(), START_SECONDS, "Prometheus to scrape the operator"
            )
            yield server
        finally:
            process.terminate()


def operator_address(kubectl: Kubectl) -> str:
    """Return where the operator's metrics are."""
    (pod,) = kubectl.get("pods", OPERATOR)["items"]
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", [])]
    (port,) = [port["containerPort"] for port in ports if port["name"] == "http"]
    return f"{pod['status'].get('podIP', '127.0.0.1')}:{port}"
