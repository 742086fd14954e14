"""Reads our Dockerfiles, for the environments that replace images where there are no containers."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

DOCKERFILES = {"logscan-operator": "operator/Dockerfile", "logscan-scanner": "scanner-job/Dockerfile"}
DEMO = {"logscan-demo": "local/embedded/Dockerfile"}


@dataclass(frozen=True)
class Recipe:
    """An image of ours.

    Attributes:
        lock: The lock file of its dependencies.
        packages: The folders of our packages that are pure Python.
        engine: The folder of the engine, which is compiled.
        entrypoint: Its command.
        user: Its user.
        variables: Its environment.
    """

    lock: Path
    packages: tuple[Path, ...]
    engine: Path
    entrypoint: tuple[str, ...]
    user: str
    variables: dict[str, str]


def read(image: str) -> Recipe:
    """Return the content of an image, as its Dockerfile defines it.

    Raises:
        ToolError: The Dockerfile lacks an instruction that this expects; the message names it.
    """
    path = REPOSITORY / DOCKERFILES[image]
    text = path.read_text().replace("\\\n", " ")
    engine, build, final = (stage for stage in re.split(r"^FROM .*$", text, flags=re.MULTILINE)[1:])
    variables = dict(word.split("=", 1) for line in _arguments("ENV", final) for word in shlex.split(line))
    compiled = _one(path, "COPY of the engine", re.findall(r"^COPY\s+(\S+)\s+\S*[^\s/]$", engine, flags=re.MULTILINE))
    copied = [line.split() for line in _arguments("COPY", build)]
    lock = _one(path, "COPY of an image.lock", [word for line in copied for word in line if "image.lock" in word])
    return Recipe(
        lock=REPOSITORY / lock,
        packages=tuple(
            REPOSITORY / folder for folder in _packages(path, build, dict(w for w in copied if len(w) == 2))
        ),
        engine=REPOSITORY / compiled,
        entrypoint=tuple(json.loads(_one(path, "ENTRYPOINT", _arguments("ENTRYPOINT", final)))),
        user=_one(path, "USER", _arguments("USER", final)),
        variables=variables,
    )


def defaults(dockerfile: Path) -> list[tuple[str, str]]:
    """Return the arguments before the first stage, which name images, with their defaults."""
    head = re.split(r"^FROM ", dockerfile.read_text(), maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^ARG (\w+)=(\S+)$", head, flags=re.MULTILINE)


def _packages(path: Path, build: str, copied: dict[str, str]) -> list[str]:
    """Return the folders from which `pip wheel` builds packages, by where they were copied from."""
    wheel = _one(path, "pip wheel", [line for line in _arguments("RUN", build) if " wheel " in line])
    sources = {target.removesuffix("/"): source for source, target in copied.items()}
    folders = []
    for name in re.findall(r"\s\./([\w/-]+)", wheel):
        head, _, rest = name.partition("/")
        folders.append(f"{sources[head]}/{rest}" if rest else sources[head])
    return folders


def _arguments(instruction: str, stage: str) -> list[str]:
    return re.findall(rf"^{instruction}\s+(.*)$", stage, flags=re.MULTILINE)


def _one(path: Path, what: str, found: list[str]) -> str:
    if len(found) != 1:
        raise ToolError(f"{path}: expected one {what}, found {len(found)}")
    return found[0]
