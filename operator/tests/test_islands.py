"""A watched namespace that goes, or never was, stops nobody else; one that comes back is worked in again.

The operator has the Roles of the chart and no other right, in its own namespace and in two more.
"""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from places import NewPlace, Place

from logscan_local.stack.kubectl import Object
from logscan_local.testkit.operators import OperatorProcess
from logscan_local.testkit.waiting import eventually
from logscan_operator.errors import ApiError
from logscan_operator.kube import Connection
from logscan_operator.view import View
from logscan_operator.watching import Watcher
from logscan_tools.manifests import render

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator, pytest.mark.tools]

HELD = {"fake-kubelet/hold": "yes"}


class Islands:
    """A place with two more namespaces, and the rights of the chart."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.own, (self.first, self.second) = place.namespace, place.others
        watched = f"--set=watchNamespaces={{{self.first},{self.second}}}"
        documents = yaml.safe_load_all(render(watched, f"--namespace={self.own}"))
        kinds = ("Role", "RoleBinding", "ServiceAccount")
        self.rights: list[Object] = [d for d in documents if d and d["kind"] in kinds]

    def rights_of(self, namespace: str, *kinds: str) -> list[Object]:
        """Return what the chart has of some kinds in a namespace."""
        return [r for r in self.rights if r["metadata"]["namespace"] == namespace and r["kind"] in kinds]

    def grant(self, namespace: str) -> None:
        """Give the operator its rights in a namespace."""
        objects = self.rights_of(namespace, "Role", "RoleBinding", "ServiceAccount")
        assert len(objects) >= 3
        self.place.kubectl_in(namespace).apply(objects)

    def forbid_watching(self, namespace: str) -> None:
        """Take from the operator the right to watch in a namespace."""
        (role,) = self.rights_of(namespace, "Role")
        rules = [{**rule, "verbs": [verb for verb in rule["verbs"] if verb != "watch"]} for rule in role["rules"]]
        self.place.kubectl_in(namespace).apply([{**role, "rules": rules}])

    def create(self, namespace: str) -> None:
        """Create a namespace with all that the operator and its scans need there."""
        self.place.furnish(self.place.kubectl_in(namespace))
        self.grant(namespace)

    def operator(self, **settings: str) -> OperatorProcess:
        """Start the operator as its service account."""
        self.grant(self.own)
        watched = ",".join(self.place.others)
        kubeconfig = self.place.kubeconfig_of("logscan-operator")
        usual = {"watch_namespaces": watched, "resync_seconds": "2", "lease_seconds": "15"}
        return self.place.operator(kubeconfig, **usual, **settings)

    def scan(self, namespace: str, name: str, labels: dict[str, str] | None = None) -> None:
        """Apply a LogScan."""
        self.place.kubectl_in(namespace).apply([self.place.manifest(name, labels)])

    def until(self, namespace: str, name: str, **wanted: Any) -> None:
        """Return once the status of a LogScan has what is wanted."""

        def reached() -> bool:
            found = self.place.kubectl_in(namespace).get("logscan", name).get("status", {})
            return all(found.get(field) == value for field, value in wanted.items())

        eventually(reached, 60, f"{namespace}/{name} to have {wanted}")

    def works_in(self, operator: OperatorProcess, *namespaces: str, name: str) -> None:
        """Return once a LogScan has succeeded in each namespace."""
        for namespace in namespaces:
            self.scan(namespace, name)
        for namespace in namespaces:
            self.until(namespace, name, phase="Succeeded")
        assert operator.process.poll() is None, "the operator ended"


@pytest.fixture
def islands(new_place: NewPlace) -> Islands:
    return Islands(new_place(others=2))


def told(operator: OperatorProcess) -> Callable[[], dict[str, str]]:
    """Return a function that says which namespaces are out of sight, and why."""

    def ask() -> dict[str, str]:
        found: dict[str, str] = json.loads(operator.ask("/readyz") or "{}").get("namespaces", {})
        return found

    return ask


def synced(operator: OperatorProcess, namespace: str) -> float:
    return operator.metric(f'logscan_synced{{watched_namespace="{namespace}"}}')


def test_a_watched_namespace_that_is_deleted(islands: Islands) -> None:
    for namespace in (islands.first, islands.second):
        islands.create(namespace)
    operator = islands.operator()
    everywhere = (islands.own, islands.first, islands.second)
    islands.works_in(operator, *everywhere, name="before")
    islands.place.kubectl.run("delete", "namespace", islands.first, timeout=90)
    eventually(lambda: "cannot list resource" in told(operator)().get(islands.first, ""), 40, "its loss")
    assert [synced(operator, namespace) for namespace in everywhere] == [1, 0, 1]
    assert json.loads(operator.ask("/readyz"))["synced"]
    islands.works_in(operator, islands.own, islands.second, name="meanwhile")
    islands.create(islands.first)
    islands.works_in(operator, *everywhere, name="after")
    eventually(lambda: told(operator)() == {}, 20, "all to be in sight")


def test_a_namespace_that_is_not_there_at_the_start(islands: Islands) -> None:
    islands.create(islands.first)
    operator = islands.operator()
    islands.works_in(operator, islands.own, islands.first, name="without")
    assert list(told(operator)()) == [islands.second]
    islands.create(islands.second)
    islands.works_in(operator, islands.second, name="with")


def test_a_namespace_whose_role_binding_is_taken_away(islands: Islands) -> None:
    islands.create(islands.first)
    islands.create(islands.second)
    operator = islands.operator(max_concurrent="2", max_concurrent_per_namespace="2")
    islands.scan(islands.first, "runs-on", HELD)
    islands.until(islands.first, "runs-on", phase="Running")
    away = islands.place.kubectl_in(islands.first)
    away.run("delete", "rolebinding", "logscan-operator")
    eventually(lambda: islands.first in told(operator)(), 40, "its loss")
    islands.works_in(operator, islands.own, islands.second, name="meanwhile")
    for name in ("one", "two"):
        islands.scan(islands.own, name, HELD)
        islands.until(islands.own, "one", phase="Running")
    islands.until(islands.own, "two", reason="ConcurrencyLimit")
    assert operator.metric("logscan_jobs_active") == 2, "the Job out of sight keeps its slot"
    islands.grant(islands.first)
    (pod,) = away.get("pods")["items"]
    away.run("label", "pod", pod["metadata"]["name"], "fake-kubelet/hold-")
    islands.until(islands.first, "runs-on", phase="Succeeded")
    islands.until(islands.own, "two", phase="Running")


def test_a_namespace_that_may_be_listed_but_not_watched(islands: Islands) -> None:
    islands.create(islands.first)
    islands.create(islands.second)
    islands.forbid_watching(islands.first)
    operator = islands.operator()
    islands.works_in(operator, islands.own, islands.second, name="meanwhile")
    eventually(lambda: "cannot watch resource" in told(operator)().get(islands.first, ""), 120, "the refused watch")
    islands.works_in(operator, islands.own, islands.second, name="still")
    islands.grant(islands.first)
    islands.works_in(operator, islands.first, name="after")


async def test_a_watch_that_is_refused_leaves_nothing_of_kopf_behind(islands: Islands) -> None:
    islands.grant(islands.own)
    islands.create(islands.first)
    islands.forbid_watching(islands.first)
    watcher = Watcher(View([islands.first]), Connection(str(islands.place.kubeconfig_of("logscan-operator"))))
    for _ in range(3):
        async with asyncio.timeout(60):
            with pytest.raises(ApiError, match=r"403 Forbidden: .+ cannot watch resource"):
                await watcher.watch(islands.first)

    def gone() -> bool:
        return f"watch-{islands.first}" not in [thread.name for thread in threading.enumerate()]

    await asyncio.to_thread(eventually, gone, 60, "kopf's threads to end")
