"""Virtual environments that replace images where pods run as processes, each made from the image's own lock file.

A package that an image lacks is missing here too. An environment is kept until its lock, our sources or Python change.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from logscan_local.stack.errors import StackError
from logscan_local.stack.node.images import Image
from logscan_tools import dockerfiles, enginewheel
from logscan_tools.dockerfiles import Recipe
from logscan_tools.paths import cache_root

LEFT_OUT = ("__pycache__", "*.so", "*.egg-info", "build", "dist", "target", "tests")
UNUSED_SECONDS = 14 * 24 * 3600


def images(say: Callable[[str], None]) -> dict[str, Image]:
    """Return the environment of each image by name, creating those that are missing.

    Args:
        say: Called with a line of progress before a slow step.

    Raises:
        StackError: An environment could not be made; with the end of the output.
    """
    found = {"python": Image(_environment("python", None, say), ("python",), "", {})}
    for name in dockerfiles.DOCKERFILES:
        recipe = dockerfiles.read(name)
        variables = {key: value for key, value in recipe.variables.items() if key != "PATH"}
        found[name] = Image(_environment(name, recipe, say), recipe.entrypoint, recipe.user, variables)
    _remove_unused(_root())
    return found


def fingerprint(recipe: Recipe | None) -> str:
    """Return a digest that changes when an environment must be made again."""
    digest = hashlib.sha256(f"{sys.version} {sys.base_prefix}".encode())
    if recipe is not None:
        digest.update(recipe.lock.read_bytes())
        for package in (*recipe.packages, recipe.engine):
            for path in sorted(_sources(package)):
                digest.update(f"{path.relative_to(package)}".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _sources(package: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(package):
        ignored = shutil.ignore_patterns(*LEFT_OUT)(folder, [*folders, *names])
        folders[:] = [name for name in folders if name not in ignored]
        yield from (Path(folder) / name for name in names if name not in ignored)


def _environment(name: str, recipe: Recipe | None, say: Callable[[str], None]) -> Path:
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{name}-{fingerprint(recipe)}"
    ready = folder / ".ready"
    with _locked(root / f"{folder.name}.lock"):
        if not ready.exists():
            say(f"creating the environment of {name} ...")
            _make(folder, recipe)
        ready.touch()
    return folder


def _root() -> Path:
    return cache_root() / "environments"


def _make(folder: Path, recipe: Recipe | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _uv("venv", "--quiet", f"--python={sys.executable}", str(folder))
    if recipe is None:
        return
    python = f"--python={folder / 'bin' / 'python'}"
    _uv("pip", "sync", "--quiet", "--compile-bytecode", python, "--require-hashes", str(recipe.lock))
    with tempfile.TemporaryDirectory() as scratch:
        for number, package in enumerate(recipe.packages):
            # A copy, so that files of an earlier build in the folder are not packed.
            copy = Path(scratch) / str(number)
            shutil.copytree(package, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
            _uv("build", "--quiet", "--wheel", "--no-build-isolation", f"--python={sys.executable}",
                f"--out-dir={scratch}/wheels", str(copy))  # fmt: skip
        enginewheel.build(Path(scratch, "wheels"))
        wheels = [str(path) for path in Path(scratch, "wheels").glob("*.whl")]
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--no-deps", python, *wheels)


def _uv(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("uv")), *arguments]
    environment = {**os.environ, "UV_CACHE_DIR": str(cache_root() / "uv")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise StackError(f"uv {arguments[0]} {arguments[1]} ... ended with {done.returncode}:\n{words}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Allow one process at a time to create an environment."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_unused(root: Path) -> None:
    """Remove environments that no stack has used for a long time."""
    for ready in root.glob("*/.ready"):
        if time.time() - ready.stat().st_mtime > UNUSED_SECONDS:
            shutil.rmtree(ready.parent, ignore_errors=True)
            ready.parent.with_name(f"{ready.parent.name}.lock").unlink(missing_ok=True)
