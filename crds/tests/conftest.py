"""Shared by all tests of the package."""

pytest_plugins = ["logscan_local.testkit.fixtures"]
