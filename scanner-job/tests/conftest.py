"""Shared by all tests of the package."""

pytest_plugins = ["browser", "cloud", "webhooks", "logscan_local.testkit.fixtures"]
