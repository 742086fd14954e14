"""`make images-check`: both images built on a local base, and the operator started for real in containers.

Needs no registry of images: the base is a Debian made on this machine. Says how large the images are, what a start
costs, and fails if the operator does not do its jobs as the user of the image and as an arbitrary one.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from logscan_local.stack import engine
from logscan_local.stack.nodes import DOCKER, PodRuntime
from logscan_local.stack.stacks import Stack
from logscan_local.testkit.startcheck import StartCheck, docker
from logscan_tools import imagebuild
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

TAG = "check"
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
LOCKS = ("operator/image.lock", "scanner-job/image.lock")
# The user of the image, and one as OpenShift chooses them: neither has a name.
USERS = {"shipped": None, "arbitrary": 1000860000}
MEGABYTE = 1_000_000


def check_wheels() -> None:
    """See that every locked package has a wheel for both architectures.

    Raises:
        ImageError: One has not; the message names it.
    """
    uv = str(Path(sys.executable).with_name("uv"))
    for lock in LOCKS:
        for platform in PLATFORMS:
            with tempfile.TemporaryDirectory() as folder:
                command = [uv, "pip", "install", "--quiet", "--dry-run", f"--target={folder}", "--only-binary=:all:"]
                command += ["--python-version=3.13", f"--python-platform={platform}", "--require-hashes"]
                imagebuild.run([*command, "--requirement", str(REPOSITORY / lock)])


def check(base: str, tag: str) -> None:
    """Build both images, run them, and say what was seen.

    Args:
        base: What they are based on.
        tag: Their tag.

    Raises:
        StackError: Something does not work.
    """
    engine.require()
    check_wheels()
    print("every locked package has a wheel for amd64 and arm64")
    images = imagebuild.build("docker", tag, base)
    base_size = _size(imagebuild.LOCAL_BASE if base == imagebuild.LOCAL else base)
    for image in images:
        print(
            f"{image}: {(_size(image) - base_size) / MEGABYTE:.0f} MB above its base of {base_size / MEGABYTE:.0f} MB"
        )
    stack = Stack("images-check", print, PodRuntime(DOCKER, tag))
    try:
        starts = StartCheck(stack, stack.up())
        for name, user in USERS.items():
            cost = starts.run(name, user)
            print(f"the operator as the {name} user leads, judges policies, and had a scan done; its start: {cost}")
    finally:
        stack.down()


def _size(image: str) -> int:
    return int(docker("image", "inspect", "--format={{.Size}}", image))


def main() -> int:
    """Check, and say what is wrong."""
    parser = argparse.ArgumentParser(prog="imagecheck", description="Build the images and start them for real.")
    parser.add_argument("--base", default=imagebuild.LOCAL, help="base image (default: one made here)")
    parser.add_argument("--tag", default=TAG, help="tag of the images (default: %(default)s)")
    chosen = parser.parse_args()
    try:
        check(chosen.base, chosen.tag)
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
