"""`python -m logscan_tools.imagebuild [--tag TAG] [--base IMAGE] [--rust IMAGE]`: build both images.

`LOGSCAN_IMAGE_TOOL` says by which of docker, podman and buildah, else the first one that works. The base `local` is a
Debian made on this machine, which then compiles the engine too. Otherwise a stage of the build compiles it.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from logscan_tools import enginewheel
from logscan_tools.dockerfiles import DOCKERFILES
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

TOOLS = ("docker", "podman", "buildah")
VERSION = "0.1.0"
LOCAL = "local"
LOCAL_BASE = "logscan-base:bookworm"


class ImageError(ToolError):
    """An image could not be built or does not run; the message carries the end of the output, or it was shown."""


def tool() -> str:
    """Return the program that builds images.

    Raises:
        ImageError: There is none that works.
    """
    wanted = os.environ.get("LOGSCAN_IMAGE_TOOL")
    for name in [wanted] if wanted else TOOLS:
        # docker's client is often there without an engine.
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    raise ImageError(f"none of {', '.join([wanted] if wanted else TOOLS)} works here: install one to build images")


def local_base() -> str:
    """Return the base for machines that cannot pull one, made unless it is there.

    Raises:
        ImageError: It could not be made.
    """
    _run_visibly([str(REPOSITORY / "tools" / "base-image"), LOCAL_BASE])
    return LOCAL_BASE


def build(program: str, tag: str, base: str | None = None, rust: str | None = None) -> list[str]:
    """Build both images and return their names.

    Args:
        program: One of `TOOLS`.
        tag: The images' tag.
        base: What they are based on, instead of the Dockerfiles' own; `local` for one made on this machine.
        rust: What the engine is compiled in, instead of the Dockerfiles' own; nothing is compiled on the base `local`.

    Raises:
        ToolError: A build failed.
    """
    with _wheel_offered(base == LOCAL):
        if base == LOCAL:
            base = rust = local_base()
        arguments = {"VERSION": VERSION, "REVISION": _revision(), "BASE": base, "RUST": rust}
        return _build(program, tag, {name: value for name, value in arguments.items() if value})


@contextmanager
def _wheel_offered(wanted: bool) -> Iterator[None]:
    """Let the engine's wheel of this machine be in the build's context, or none."""
    folder = enginewheel.ENGINE / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if wanted:
            enginewheel.build(folder)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build(program: str, tag: str, arguments: dict[str, str]) -> list[str]:
    names = []
    for name, dockerfile in DOCKERFILES.items():
        # Without a registry's name Kubernetes would look for it at Docker's, podman calls it localhost/.
        reference = f"{name}:{tag}" if program == "docker" else f"localhost/{name}:{tag}"
        # The machine's network, since the way to a package index may be the machine's alone.
        command = [program, "build", "--network=host", f"--file={dockerfile}", f"--tag={reference}"]
        command += [f"--build-arg={key}={value}" for key, value in arguments.items()]
        print(f"building {reference} ...", file=sys.stderr, flush=True)
        _run_visibly([*command, "."])
        names.append(reference)
    return names


def run(command: Sequence[str]) -> str:
    """Run a program in the repository and return its output.

    Raises:
        ImageError: It failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise ImageError(f"{' '.join(command[:3])} ... ended with {done.returncode}:\n{words}")
    return done.stdout


def _run_visibly(command: Sequence[str]) -> None:
    """Run a program that takes minutes; each line goes to the standard error stream as it comes.

    Raises:
        ImageError: It failed; the cause is in the lines shown.
    """
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=REPOSITORY
    ) as process:
        for line in process.stdout or ():
            print(f"  {line.rstrip()}", file=sys.stderr, flush=True)
    if process.returncode != 0:
        raise ImageError(f"{' '.join(command[:3])} ... ended with {process.returncode}: see its output above")


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Build and tell the names."""
    parser = argparse.ArgumentParser(prog="imagebuild", description="Build the images of operator and scanner.")
    parser.add_argument("--tag", default=VERSION)
    parser.add_argument("--base", help="base image instead of the Dockerfiles' own; `local`: made here")
    parser.add_argument(
        "--rust", help="image with Rust, in which the engine is compiled, instead of the Dockerfiles' own"
    )
    chosen = parser.parse_args()
    try:
        for name in build(tool(), chosen.tag, chosen.base, chosen.rust):
            print(name)
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
