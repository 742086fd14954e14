"""Builds our images: `python -m logscan_tools.imagebuild [--demo] [--tag TAG] [--base IMAGE] [--platform P,...]`.

Without `--demo` these are the operator's and the scanner's.

`LOGSCAN_IMAGE_TOOL` names the tool: docker, podman or buildah; by default the first one that works. The base `local` is
a Debian built on this machine, and the engine is then compiled on this machine. Otherwise a stage of the build does it.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

from logscan_tools import binaries, enginewheel, version
from logscan_tools.dockerfiles import DEMO, DOCKERFILES
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY, platform_name

TOOLS = ("docker", "podman", "buildah")
VERSION = version.current()
LOCAL = "local"
# What runs programs of another architecture, by the architectures of our images.
BINFMT, QEMU = Path("/proc/sys/fs/binfmt_misc"), {"amd64": "x86_64", "arm64": "aarch64"}
LOCAL_BASE = "logscan-base:bookworm"
PROGRAMS = REPOSITORY / "local" / "embedded" / "dist"


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
    raise ImageError(f"none of {', '.join([wanted] if wanted else TOOLS)} works: install one to build images")


def local_base() -> str:
    """Return the base image for machines that cannot pull one, building it if it is missing.

    Raises:
        ImageError: It could not be built.
    """
    _run_visibly([str(REPOSITORY / "tools" / "base-image"), LOCAL_BASE])
    return LOCAL_BASE


def build(
    program: str,
    tag: str,
    base: str | None = None,
    rust: str | None = None,
    platform: str | None = None,
    source: str | None = None,
) -> list[str]:
    """Build the images of operator and scanner and return their names.

    Args:
        program: One of `TOOLS`.
        tag: The images' tag.
        base: What they are based on, instead of the Dockerfiles' own; `local` for one built on this machine.
        rust: What the engine is compiled in, instead of the Dockerfiles' own; nothing is compiled on the base `local`.
        platform: Such as `linux/arm64`, instead of this machine's.
        source: The address of the repository, for the label.

    Raises:
        ToolError: A build failed.
    """
    return _build_all(DOCKERFILES, program, tag, base, rust, platform, source)


def build_demo(
    program: str, tag: str, base: str | None = None, rust: str | None = None, platform: str | None = None
) -> list[str]:
    """Build the image of the demo and return its name; arguments and errors are those of `build`."""
    with _programs_in_context(base == LOCAL):
        return _build_all(DEMO, program, tag, base, rust, platform, None)


def _build_all(
    dockerfiles: Mapping[str, str],
    program: str,
    tag: str,
    base: str | None,
    rust: str | None,
    platform: str | None,
    source: str | None,
) -> list[str]:
    with _wheel_in_context(base == LOCAL):
        if base == LOCAL:
            base = rust = local_base()
        revision, created = _commit()
        arguments = {"VERSION": VERSION, "REVISION": revision, "CREATED": created, "SOURCE": source}
        arguments |= {"BASE": base, "BASE_DIGEST": (base or "").partition("@")[2], "RUST": rust}
        given = {name: value for name, value in arguments.items() if value}
        return _build(dockerfiles, program, tag, given, platform)


def require_platforms(wanted: Sequence[str], base: str | None) -> None:
    """Check that this machine can build for some platforms.

    Args:
        wanted: The platforms, such as `linux/arm64`.
        base: As in `build`.

    Raises:
        ImageError: It cannot; the message says what is missing.
    """
    machine = platform_name()[1]
    for platform in wanted:
        architecture = platform.partition("/")[2]
        if architecture not in QEMU or not platform.startswith("linux/"):
            raise ImageError(f"there are no images for {platform}: use {', '.join(f'linux/{one}' for one in QEMU)}")
        if architecture == machine:
            continue
        if base == LOCAL:
            raise ImageError(f"BASE=local is built for linux/{machine} only: name a base image that has {platform}")
        if not (BINFMT / f"qemu-{QEMU[architecture]}").exists():
            raise ImageError(
                f"{platform} cannot be built here: this machine is linux/{machine} and runs no programs of "
                f"{architecture} (no {BINFMT}/qemu-{QEMU[architecture]}). Build on a machine of that architecture, or "
                "install qemu-user-static and binfmt-support."
            )


@contextmanager
def _wheel_in_context(wanted: bool) -> Iterator[None]:
    """Put the engine's wheel into the build's context, or make sure that there is none."""
    folder = enginewheel.ENGINE / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if wanted:
            enginewheel.build(folder)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _programs_in_context(wanted: bool) -> Iterator[None]:
    """Put the control plane's programs of this machine into the build's context, or make sure that there are none."""
    shutil.rmtree(PROGRAMS, ignore_errors=True)
    try:
        if wanted:
            found = binaries.control_plane(lambda line: print(line, file=sys.stderr))
            folder = PROGRAMS / binaries.cache_folder().name
            folder.mkdir(parents=True)
            for name, path in zip(binaries.PROGRAMS, astuple(found), strict=True):
                shutil.copy(path, folder / name)
        yield
    finally:
        shutil.rmtree(PROGRAMS, ignore_errors=True)


def _build(
    dockerfiles: Mapping[str, str], program: str, tag: str, arguments: dict[str, str], platform: str | None
) -> list[str]:
    names = []
    for name, dockerfile in dockerfiles.items():
        # Without a registry Kubernetes would look for it at Docker's, so podman names it localhost/.
        reference = f"{name}:{tag}" if program == "docker" else f"localhost/{name}:{tag}"
        # The machine's network, since only that may reach a package index.
        command = [program, "build", "--network=host", f"--file={dockerfile}", f"--tag={reference}"]
        command += [f"--platform={platform}"] if platform else []
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


def _commit() -> tuple[str, str]:
    """Return the commit and its time, so that the same commit gives the same labels."""
    command = ["git", "log", "-1", "--format=%H %cI"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    revision, _, created = done.stdout.strip().partition(" ")
    return revision or "unknown", created or "unknown"


def main() -> int:
    """Build the images and print their names."""
    parser = argparse.ArgumentParser(prog="imagebuild", description="Build the images of operator and scanner.")
    parser.add_argument("--demo", action="store_true", help="build the image of the demo instead")
    parser.add_argument("--tag", default=VERSION)
    parser.add_argument("--base", help="base image instead of the Dockerfiles' own; `local`: built on this machine")
    parser.add_argument("--rust", help="image with Rust that compiles the engine, instead of the Dockerfiles' own")
    parser.add_argument("--platform", default="", help="platforms, such as linux/amd64,linux/arm64; each has its tag")
    chosen = parser.parse_args()
    platforms = [one for one in chosen.platform.split(",") if one]
    try:
        require_platforms(platforms, chosen.base)
        for platform in platforms or [None]:
            # A tag names one image; `crane index append` joins them in a registry.
            tag = f"{chosen.tag}-{platform.partition('/')[2]}" if platform and platforms[1:] else chosen.tag
            chosen_build = build_demo if chosen.demo else build
            for name in chosen_build(tool(), tag, chosen.base, chosen.rust, platform):
                print(name)
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
