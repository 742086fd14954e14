"""What a package imports it declares, and what it declares it imports.

The environment of development has every package, so an import of something undeclared would fail in an image only.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from logscan_tools.paths import REPOSITORY

WORKSPACE = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
PACKAGES = WORKSPACE["tool"]["uv"]["workspace"]["members"]
STARTED = {
    "operator": {"logscan-engine"},  # it compiles a policy's rules in a process of its own
    "local/embedded": {"logscan-operator"},  # the test kit runs operators as processes
}
PROVIDED = {"terraform/forwarder": {"botocore"}}  # Lambda's runtime brings it


def normalised(name: str) -> str:
    """Return a distribution's name as the index compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(package: str) -> set[str]:
    """Return the distributions whose modules a package imports when it runs."""
    found = set()
    for path in (REPOSITORY / package / "src").rglob("*.py"):
        for name in modules(ast.parse(path.read_text())):
            found |= {normalised(one) for one in owners(name)}
    return found - {own_name(package)}


def modules(tree: ast.AST) -> Iterator[str]:
    """Yield the names of imported modules, without those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from modules(node)


@cache
def distributions() -> dict[str, list[str]]:
    """Return the distributions by the top-level modules that they bring."""
    return dict(packages_distributions())


def owners(module: str) -> set[str]:
    """Return the distributions that a module may come from; none for the standard library."""
    top, _, rest = module.partition(".")
    if top in sys.stdlib_module_names or top == "compression":  # `compression` is new in Python 3.14
        return set()
    if "logscan" in top.split("_"):  # editable installs do not list their modules
        return {top}
    if top == "backports":
        return {f"backports.{rest.split('.')[0]}"}
    return set(distributions()[top])


@cache
def project(package: str) -> dict[str, list[str]]:
    """Return the distributions that a package declares, by extra; those that it always needs under the empty name."""
    document = tomllib.loads((REPOSITORY / package / "pyproject.toml").read_text())["project"]
    groups = {"": document["dependencies"], **document.get("optional-dependencies", {})}
    return {name: [normalised(re.split(r"[^\w.-]", one)[0]) for one in group] for name, group in groups.items()}


def own_name(package: str) -> str:
    document = tomllib.loads((REPOSITORY / package / "pyproject.toml").read_text())
    return normalised(document["project"]["name"])


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_is_declared_and_what_is_declared_is_imported(package: str) -> None:
    declared = {name for group in project(package).values() for name in group}
    started, provided = STARTED.get(package, set()), PROVIDED.get(package, set())
    assert started <= declared
    assert imported(package) - provided - started == declared - started


def test_type_checkers_imports_are_not_counted() -> None:
    source = "import a\nif TYPE_CHECKING:\n    import b\ndef f():\n    from c import d\n"
    assert set(modules(ast.parse(source))) == {"a", "c.d"}
