"""Shared by all tests of the package."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from places import NewPlace, Place
    from services import Service

    from logscan_local.stack.stacks import Stack

pytest_plugins = ["logscan_local.testkit.fixtures"]


@pytest.fixture(scope="session")
def stack(nodeless_stack: "Stack") -> "Stack":
    """Return a stack without node and operator, with the CRDs."""
    from logscan_local.stack.install import install_crds  # late: unit tests load this module too, and shall start soon

    install_crds(nodeless_stack.kubectl())
    return nodeless_stack


@pytest.fixture
def new_place(stack: "Stack", tmp_path: Path) -> "Iterator[NewPlace]":
    """Yield what makes places for a test, which are removed after it."""
    from places import Place

    with ExitStack() as exits:
        yield lambda **options: exits.enter_context(Place(stack, tmp_path, **options))


@pytest.fixture
def place(new_place: "NewPlace") -> "Place":
    """Return a place for a test that needs one."""
    return new_place()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the variables of a process that may call AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return monkeypatch


@pytest.fixture
def service(environment: pytest.MonkeyPatch) -> "Iterator[Service]":
    """Yield a service that clients of AWS call."""
    from services import Service

    made = Service()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    environment.setenv("AWS_ENDPOINT_URL", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()
