"""Shared by all tests of the package."""

from collections.abc import Iterator

import pytest

from logscan_local.stack import aws as local
from logscan_local.stack.aws import Resources
from logscan_scanner.aws import clients

pytest_plugins = ["browser", "cloud", "webhooks", "logscan_local.testkit.fixtures"]


@pytest.fixture
def as_scanner(emulator: Resources, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the process the environment of a scanner's pod: its credentials, and what the policies that ship allow."""
    environment = {"AWS_REGION": local.REGION, "AWS_ENDPOINT_URL": emulator.endpoint}
    for name, value in {**emulator.scanner.environment(), **environment}.items():
        monkeypatch.setenv(name, value)
    clients.session.cache_clear()
    yield
    clients.session.cache_clear()
