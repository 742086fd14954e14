"""Fixtures for tests with real parts: `pytest_plugins = ["logscan_local.testkit.fixtures"]` in a conftest.

Each test process has a stack of its own, so that packages can be tested at the same time.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from logscan_local.stack.aws import Resources
    from logscan_local.stack.kubectl import Kubectl
    from logscan_local.stack.nodes import PodRuntime
    from logscan_local.stack.stacks import Stack
    from logscan_local.stack.state import State
    from logscan_local.testkit.clusters import Cluster


def wanted_runtime() -> "PodRuntime":
    """Return how the tests' pods run: `LOGSCAN_TEST_RUNTIME`, the images' tag being `LOGSCAN_TEST_TAG`."""
    from logscan_local.stack.nodes import PodRuntime

    names = {"kind": "LOGSCAN_TEST_RUNTIME", "tag": "LOGSCAN_TEST_TAG"}
    return PodRuntime(**{field: os.environ[name] for field, name in names.items() if name in os.environ})


@pytest.fixture(scope="session")
def bare_stack() -> "Iterator[Stack]":
    """Yield a stack with control plane, node and AWS, but without the operator."""
    yield from _stack("bare", with_operator=False, with_node=True)


@pytest.fixture(scope="session")
def nodeless_stack() -> "Iterator[Stack]":
    """Yield a stack with control plane and AWS only, for tests whose pods a stand-in ends."""
    yield from _stack("nodeless", with_operator=False, with_node=False)


@pytest.fixture(scope="session")
def full_stack() -> "Iterator[Cluster]":
    """Yield a stack with everything, or the cluster whose state file `LOGSCAN_TEST_STATE` names.

    With `LOGSCAN_TEST_BRIDGED=true` uploads take the way they take on kind.
    """
    from logscan_local.testkit.clusters import ExternalCluster

    if "LOGSCAN_TEST_STATE" in os.environ:
        yield ExternalCluster(Path(os.environ["LOGSCAN_TEST_STATE"]))
    else:
        bridged = os.environ.get("LOGSCAN_TEST_BRIDGED") == "true"
        yield from _stack("full", with_operator=True, with_node=True, bridged=bridged)


@pytest.fixture(scope="session")
def bare_state(bare_stack: "Stack") -> "State":
    """Return the addresses and keys of the bare stack."""
    state = bare_stack.state()
    assert state is not None
    return state


@pytest.fixture(scope="session")
def bare_kubectl(bare_stack: "Stack") -> "Kubectl":
    """Return kubectl for the bare stack, in a namespace that exists, with the CRDs applied."""
    kubectl = bare_stack.kubectl()
    kubectl.run("create", "namespace", kubectl.namespace)
    return kubectl


@pytest.fixture(scope="session")
def emulator() -> "Iterator[Resources]":
    """Yield AWS alone: the emulator with everything that a stack has there."""
    from logscan_local.stack import aws
    from logscan_local.stack.emulator import running

    with running("test-aws") as made:
        yield aws.create_all(made.endpoint)


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return Prometheus' promtool; without it the test is skipped, or fails in CI."""
    found = shutil.which("promtool")
    if found is None:
        missing = "promtool is not installed, so alerts and metrics are not tested (Debian: apt-get install prometheus)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def _stack(kind: str, with_operator: bool, with_node: bool, bridged: bool = False) -> "Iterator[Stack]":
    from logscan_local.stack.stacks import Stack  # late: unit tests load this module too, and shall start soon

    stack = Stack(f"test-{kind}-{os.getpid()}", lambda line: None, wanted_runtime())
    try:
        stack.up(with_operator=with_operator, with_node=with_node, bridged=bridged)
        yield stack
    finally:
        stack.down()
