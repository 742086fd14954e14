"""`make release-rehearsal`: a whole release on this machine, against a registry and with a key of its own.

It runs the steps that the workflow runs, then what a user does: pulls chart and images, verifies them, and installs the
chart on the embedded stack, whose node pulls the images from the registry and runs them in containers.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from logscan_local.stack import engine
from logscan_local.stack.ports import free_ports
from logscan_local.testkit.helmrelease import install_and_check
from logscan_local.testkit.localregistry import serve
from logscan_tools import imagebuild
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY, platform_name
from logscan_tools.release import changelog, checksums, registry, signing, steps, wheels
from logscan_tools.release.facts import IMAGES, Release, this_release

SOURCE = "https://example.com/logscan"
BUILDER = "https://example.com/rehearsal"


class RehearsalError(ToolError):
    """Something that must be refused was accepted."""


def rehearse(base: str, say: Callable[[str], None]) -> None:
    """Make a release, and install it from the registry.

    Args:
        base: What the images are based on; `local` for a Debian built on this machine.
        say: Called with a line of progress.

    Raises:
        ToolError: A step failed.
    """
    engine.require()
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "registry", port):
        release = this_release(REPOSITORY / "dist" / "rehearsal", f"127.0.0.1:{port}/logscan", SOURCE)
        for path in release.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        keys = Path(folder)
        password = secrets.token_urlsafe()
        private, public = signing.new_keys(keys, password)
        with _told(say, "release"):
            make(release, base, signing.Cosign(release, private, password), say)
        verify(release, signing.Cosign(release, public), say)
        install(release, say)
        with _told(say, "refusals"):
            refuse(release, signing.Cosign(release, public), keys)


def make(release: Release, base: str, cosign: signing.Cosign, say: Callable[[str], None]) -> None:
    """Run all steps that make and publish a release.

    Raises:
        ToolError: One failed.
    """
    machine = platform_name()[1]
    known = wheels.buildable()
    for absent in wheels.MACHINES.keys() - known:
        say(f"  no wheel for {absent}: this machine's Rust has no library for it (rustup target add)")
    text = changelog.CHANGELOG.read_text(encoding="utf-8")
    title = release.version if f"\n## {release.version}" in text else changelog.UNRELEASED
    with _told(say, "notes, wheels and plugin"):
        steps.write_notes(release, title)
        steps.build_wheels(release, known)
    with _told(say, f"images for {machine}"):
        steps.push_images(release, machine, {"base": base})
    with _told(say, "chart, manifests, provenance and checksums"):
        steps.join_images(release, [machine])
        steps.write_chart(release)
        steps.push_chart(release)
        steps.write_provenance(release, BUILDER, "", {})
    with _told(say, "signatures"):
        steps.sign(release, cosign, [machine])


def verify(release: Release, cosign: signing.Cosign, say: Callable[[str], None]) -> None:
    """Verify the release as a user does, and that the registry has the chart that was built.

    Raises:
        ToolError: Something is not what was signed.
    """
    with _told(say, "verification"):
        steps.verify(release, cosign)
    count = checksums.check(release.folder)
    say(f"  {count} files as {checksums.SUMS} says, and {len(steps.pinned(release))} signed references")


def install(release: Release, say: Callable[[str], None]) -> None:
    """Install the chart from the registry on the embedded stack, which pulls the images from there.

    Raises:
        ToolError: The chart is another than the one built, or does not work.
    """
    program = imagebuild.tool()
    for name in IMAGES:  # so that the node has to pull them
        imagebuild.run([program, "image", "rm", f"{release.image(name)}-{platform_name()[1]}"])
    with _told(say, "installation"):
        install_and_check(release, say)


def refuse(release: Release, cosign: signing.Cosign, folder: Path) -> None:
    """Check that verification refuses the key of somebody else, a changed file, and an image that nobody signed.

    Raises:
        RehearsalError: It accepts one.
    """
    others = folder / "others"
    others.mkdir()
    _, public = signing.new_keys(others, "")
    _refused("another key", lambda: steps.verify(release, signing.Cosign(release, public)))
    unsigned = f"{release.registry}/unsigned:1"
    registry.crane(release, "append", f"--new_tag={unsigned}", f"--new_layer={_layer(folder)}", "--oci-empty-base")
    reference = f"{unsigned.rpartition(':')[0]}@{registry.digest(release, unsigned)}"
    _refused("an unsigned image", lambda: cosign.verify(reference))
    changed = release.folder / "install.yaml"
    before = changed.read_bytes()
    try:
        changed.write_bytes(before + b"# changed\n")
        _refused("a changed file", lambda: steps.verify(release, cosign))
        checksums.write(release.folder)
        _refused("changed checksums", lambda: steps.verify(release, cosign))
    finally:
        changed.write_bytes(before)
        checksums.write(release.folder)


def _layer(folder: Path) -> Path:
    name = shutil.make_archive(str(folder / "layer"), "tar", REPOSITORY / "manifests" / "samples")
    return Path(name)


def _refused(what: str, check: Callable[[], None]) -> None:
    try:
        check()
    except ToolError:
        return
    raise RehearsalError(f"{what} was accepted")


@contextmanager
def _told(say: Callable[[str], None], what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - started:.0f} s")


def main() -> int:
    """Run the rehearsal."""
    parser = argparse.ArgumentParser(prog="rehearsal", description="Make a release on this machine and install it.")
    parser.add_argument("--base", default=imagebuild.LOCAL, help="base image (default: one built on this machine)")
    try:
        rehearse(parser.parse_args().base, lambda line: print(line, flush=True))
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
