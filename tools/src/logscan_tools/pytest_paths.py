"""A pytest plugin: modules beside the tests can be imported.

pytest's own setting `pythonpath` is relative to the file of the settings, and all packages share one.
"""

import sys

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Put the package's folder of tests, and its own for the engine's `oracle`, on the path."""
    root = early_config.rootpath
    sys.path[:0] = [str(root / "tests"), str(root)]
