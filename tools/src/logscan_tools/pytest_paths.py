"""A pytest plugin: modules beside the tests can be imported, and no example of hypothesis has a deadline.

pytest's own setting `pythonpath` is relative to the file of the settings, and all packages share one.
"""

import sys

import pytest
from hypothesis import settings

# How long an example takes is the machine's business.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Put the package's folder of tests, and its own for the engine's `oracle`, on the path."""
    root = early_config.rootpath
    sys.path[:0] = [str(root / "tests"), str(root)]
