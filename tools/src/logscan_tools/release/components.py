"""What our artifacts consist of, read from the lock files: Python packages, crates of the engine, Debian packages."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from packaging.requirements import Requirement

from logscan_tools.errors import ToolError


@dataclass(frozen=True, order=True)
class Component:
    """One part of an artifact.

    Attributes:
        name: Its name in its registry.
        version: Its version.
        purl: Its package URL (https://github.com/package-url/purl-spec).
        sha256: The checksum of its archive, if it has one archive only; else empty.
    """

    name: str
    version: str
    purl: str
    sha256: str = ""


def python_packages(lock: Path, python: str) -> list[Component]:
    """Return the packages that a hashed lock file installs on Linux.

    Args:
        lock: The file.
        python: The version of Python, such as `3.13`.

    Raises:
        ToolError: A line pins no version.
    """
    there = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    there |= {"platform_system": "Linux", "os_name": "posix"}
    found = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith((" ", "#")):
            continue
        requirement = Requirement(line.removesuffix("\\"))
        pins = list(requirement.specifier)
        if len(pins) != 1 or pins[0].operator != "==":
            raise ToolError(f"{lock}: {line} pins no version")
        if requirement.marker is None or requirement.marker.evaluate(there):
            name, version = requirement.name.lower().replace("_", "-"), pins[0].version
            found.append(Component(name, version, f"pkg:pypi/{name}@{quote(version)}"))
    return found


def crates(manifest: Path, lock: Path) -> list[Component]:
    """Return the crates that a crate is built from, by its Cargo.toml and Cargo.lock; not those of its tests.

    Raises:
        ToolError: The lock lacks one.
    """
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    wanted = list(tomllib.loads(manifest.read_text(encoding="utf-8"))["dependencies"])
    found: dict[str, Component] = {}
    while wanted:
        name, _, version = wanted.pop().partition(" ")
        package = next((p for p in packages if p["name"] == name and version in ("", p["version"])), None)
        if package is None:
            raise ToolError(f"{lock} has no crate {name} {version}: run cargo update --workspace")
        purl = f"pkg:cargo/{name}@{quote(package['version'])}"
        if purl not in found:
            found[purl] = Component(name, package["version"], purl, package.get("checksum", ""))
            wanted += package.get("dependencies", [])
    return sorted(found.values())


def debian_packages(listing: str, codename: str) -> list[Component]:
    """Return the packages of a listing with name, version and architecture in each line, as `dpkg-query` makes it."""
    found = []
    for name, version, machine in (line.split() for line in listing.splitlines()):
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={machine}&distro={codename}"
        found.append(Component(name, version, purl))
    return sorted(found)


def ours(names: Iterable[str], version: str) -> list[Component]:
    """Return our own packages, by the names of their distributions."""
    return [Component(name, version, f"pkg:pypi/{name}@{version}") for name in names]
