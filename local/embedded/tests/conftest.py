"""Shared by all tests of the package."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from node_pods import Pods

    from logscan_local.stack.kubectl import Kubectl

pytest_plugins = ["logscan_local.testkit.fixtures"]


@pytest.fixture(scope="session")
def pods(bare_kubectl: "Kubectl") -> "Pods":
    """Return what creates pods, with a ConfigMap and a Secret for them."""
    from node_pods import Pods  # late: it asks how the machine runs pods

    from logscan_local.testkit.waiting import eventually

    found = Pods(bare_kubectl)
    eventually(lambda: bare_kubectl.get("serviceaccounts")["items"], 20, "the default service account")
    found.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}, "data": {"a.txt": "from cfg"}})
    found.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sec"}, "stringData": {"k": "from sec"}})
    return found
