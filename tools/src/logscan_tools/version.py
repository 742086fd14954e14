"""`python -m logscan_tools.version [NEW]`: print logscan's version, or set it everywhere it stands.

Everything is released together, so there is one version. The Python package that every other one depends on is the
first place and the one that is read; `make bump` changes the others with it.
"""

import re
import sys

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

# File, and what stands around the version in it. Packages without a place here are not released.
PLACES = {
    "crds/src/logscan_api/__init__.py": r'^__version__ = "([^"]+)"$',
    "operator/src/logscan_operator/__init__.py": r'^__version__ = "([^"]+)"$',
    "scanner-job/src/logscan_scanner/__init__.py": r'^__version__ = "([^"]+)"$',
    "cli/src/kubectl_logscan/__init__.py": r'^__version__ = "([^"]+)"$',
    "scanner-job/engine/rust/Cargo.toml": r'\A\[package\]\nname = "logscan-engine"\nversion = "([^"]+)"$',
    "scanner-job/engine/rust/Cargo.lock": r'^name = "logscan-engine"\nversion = "([^"]+)"$',
    "manifests/chart/Chart.yaml": r"^(?:version|appVersion): (\S+)$",
    "manifests/overlays/eks/aws.env": r"/logscan-scanner:(\S+)$",
}
# Rendered from the chart.
GENERATED = ("manifests/install/logscan.yaml",)
# https://semver.org; pre-releases as both SemVer and PEP 440 read them, such as 1.0.0-rc1.
FORM = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(a|b|rc)(0|[1-9]\d*))?")


class VersionError(ToolError):
    """A version cannot be set; the message says why."""


def versions() -> dict[str, list[str]]:
    """Return the versions that stand in each place; more than one where a file repeats it."""
    return {name: _found(name, pattern) for name, pattern in PLACES.items()}


def current() -> str:
    """Return logscan's version, as the first place has it: the demo's image does not have all."""
    name, pattern = next(iter(PLACES.items()))
    return _found(name, pattern)[0]


def bump(new: str) -> None:
    """Set the version in every place.

    Raises:
        VersionError: It is no version, or a place was not found; nothing is changed then.
    """
    if not FORM.fullmatch(new):
        raise VersionError(f"{new!r} is not a version: use MAJOR.MINOR.PATCH, or 1.0.0-rc1 for a pre-release")
    changed = {}
    for name, pattern in PLACES.items():
        changed[name], count = re.subn(pattern, lambda match: _with(match, new), _read(name), flags=re.MULTILINE)
        if not count:
            raise VersionError(f"{name} has no version where {pattern!r} looks for it")
    for name, text in changed.items():
        (REPOSITORY / name).write_text(text, encoding="utf-8")


def _with(match: re.Match[str], new: str) -> str:
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    return match[0][:start] + new + match[0][end:]


def _found(name: str, pattern: str) -> list[str]:
    return re.findall(pattern, _read(name), re.MULTILINE)


def _read(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Print the version, or set it."""
    try:
        for new in arguments:
            bump(new)
    except VersionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(current())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
