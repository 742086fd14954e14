"""Shared by all tests of the package."""

from hypothesis import settings

pytest_plugins = ["logscan_local.testing"]
# How long an example takes is the machine's business.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
