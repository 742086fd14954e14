"""The steps of a release in their order, each with what it needs. `__main__` runs them by name."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from logscan_tools import dockerfiles, imagebuild
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY
from logscan_tools.release import (
    changelog,
    checksums,
    components,
    files,
    plugin,
    provenance,
    registry,
    sbom,
    signing,
    wheels,
)
from logscan_tools.release.commands import run
from logscan_tools.release.facts import IMAGES, Release

NOTES, PROVENANCE = "NOTES.md", "provenance.json"
# In a folder of its own: how steps tell each other what was pushed. It is not released.
DIGESTS = "digests.json"
CRATE = REPOSITORY / "scanner-job" / "engine" / "rust"


def write_notes(release: Release, title: str) -> None:
    """Write the release notes.

    Args:
        release: The release.
        title: The title of the changelog's section, the version or `Unreleased`.

    Raises:
        ToolError: The changelog has no such section.
    """
    base = f"{release.source}/blob/{release.tag}"
    text = changelog.notes(changelog.CHANGELOG.read_text(encoding="utf-8"), title, base)
    (release.folder / NOTES).write_text(text, encoding="utf-8")


def build_wheels(release: Release, architectures: Sequence[str]) -> None:
    """Build the wheels, and the plugin's archives and manifest from them.

    Raises:
        ToolError: One could not be built.
    """
    wheels.build(release, architectures)
    plugin.write_manifest(release, plugin.build(release))


def bases(release: Release) -> dict[str, str]:
    """Return the base images of our Dockerfiles by the names of their arguments, pinned to what their tags mean now.

    Raises:
        ToolError: The Dockerfiles name several, or the registry lacks one.
    """
    found = {pair for path in dockerfiles.DOCKERFILES.values() for pair in dockerfiles.defaults(REPOSITORY / path)}
    named = dict(sorted(found))
    if len(named) != len(found):
        raise ToolError(f"the Dockerfiles have several defaults for one argument: {sorted(found)}")
    return {argument: f"{name}@{registry.digest(release, name)}" for argument, name in named.items()}


def push_images(release: Release, architecture: str, bases: Mapping[str, str]) -> None:
    """Build both images for this machine's architecture, push them, and write their bills of materials.

    Args:
        release: The release.
        architecture: That of this machine, as Go names it.
        bases: `base` and `rust`, what the images are built from, for `imagebuild.build`.

    Raises:
        ToolError: One could not be built or pushed.
    """
    program = imagebuild.tool()
    for built in imagebuild.build(program, release.version, source=release.source, **bases):
        image = built.rpartition("/")[2].partition(":")[0]
        registry.push_image(release, program, built, image, architecture)
        parts = image_parts(program, built, image, release.version)
        _write_json(release.folder / sbom_name(image, architecture), sbom.document(release, image, "container", parts))


def sbom_name(image: str, architecture: str) -> str:
    """Return the name of the file with the bill of materials of an image."""
    return f"{image}-linux-{architecture}.cdx.json"


def locked_parts(image: str, python: str, version: str) -> list[components.Component]:
    """Return what the lock files put into an image."""
    recipe = dockerfiles.read(image)
    parts = components.python_packages(recipe.lock, python)
    parts += components.crates(CRATE / "Cargo.toml", CRATE / "Cargo.lock")
    return parts + components.ours(["logscan-api", "logscan-engine", image], version)


def image_parts(program: str, built: str, image: str, version: str) -> list[components.Component]:
    """Return what an image consists of: its base's packages, Python, and what the lock files say.

    Raises:
        ToolError: The image does not run.
    """
    shown = ["--show", "--showformat=${Package} ${Version} ${Architecture}\\n"]
    inside = [program, "run", "--rm", "--network=none"]
    packages = run([*inside, "--entrypoint=dpkg-query", built, *shown])
    say = "import platform; print(platform.python_version(), platform.freedesktop_os_release()['VERSION_CODENAME'])"
    python, codename = run([*inside, "--entrypoint=python", built, "-c", say]).split()
    parts = [components.Component("python", python, f"pkg:generic/python@{python}")]
    parts += components.debian_packages(packages, codename)
    return parts + locked_parts(image, python.rpartition(".")[0], version)


def join_images(release: Release, architectures: Sequence[str]) -> dict[str, str]:
    """Join the pushed images of all architectures, write their digests down, and return them by name.

    Raises:
        ToolError: One was not pushed.
    """
    digests = {name: registry.push_index(release, name, architectures) for name in IMAGES}
    _write_json(_digests_file(release), digests)
    return digests


def write_chart(release: Release) -> None:
    """Write the chart's archive, which names the images by digest, and the manifests rendered from it.

    Raises:
        ToolError: `join_images` has not run, or Helm refuses the chart.
    """
    files.write_manifests(release, files.package(release, _digests(release)))


def push_chart(release: Release) -> None:
    """Push the chart's archive and write its digest down.

    Raises:
        ToolError: The registry refuses it.
    """
    repository = release.chart.rpartition("/")[0]
    archive = release.folder / f"logscan-{release.version}.tgz"
    plain = ["--plain-http"] if release.insecure else []
    run([files.helm(), "push", str(archive), f"oci://{repository}", *plain])
    digests = {**_digests(release), "charts/logscan": registry.digest(release, release.chart)}
    _write_json(_digests_file(release), digests)


def write_provenance(release: Release, builder: str, invocation: str, bases: Mapping[str, str]) -> None:
    """Write how the files were made, then the checksums of all files.

    Raises:
        ToolError: A lock file is missing.
    """
    how = provenance.predicate(release, builder, invocation, bases)
    path = release.folder / PROVENANCE
    path.unlink(missing_ok=True)
    _write_json(path, provenance.statement(checksums.listed(release.folder), how))
    checksums.write(release.folder)


def sign(release: Release, cosign: signing.Cosign, architectures: Sequence[str]) -> None:
    """Sign images, chart and checksums, and state the images' provenance and parts.

    Raises:
        ToolError: The registry or the signer refuses.
    """
    how = json.loads((release.folder / PROVENANCE).read_text(encoding="utf-8"))["predicate"]
    predicate = _digests_file(release).with_name("predicate.json")
    _write_json(predicate, how)
    for reference in pinned(release):
        cosign.sign(reference)
        cosign.attest(reference, signing.PROVENANCE, predicate)
    for image in IMAGES:
        for architecture in architectures:
            part = registry.digest(release, f"{release.image(image)}-{architecture}")
            parts = release.folder / sbom_name(image, architecture)
            cosign.attest(f"{release.registry}/{image}@{part}", signing.SBOM, parts)
    cosign.sign_file(release.folder / checksums.SUMS)


def verify(release: Release, cosign: signing.Cosign) -> None:
    """Verify what is published: the files by their signed checksums, and images and chart by signature and provenance.

    Args:
        release: The release; its folder has the files that were downloaded.
        cosign: Cosign with the public key or the identity of the workflow.

    Raises:
        ToolError: Something was not signed by us, or is not what was signed.
    """
    cosign.verify_file(release.folder / checksums.SUMS)
    checksums.check(release.folder)
    for reference in pinned(release):
        cosign.verify(reference)
        cosign.verify_attestation(reference, signing.PROVENANCE)


def pinned(release: Release) -> list[str]:
    """Return images and chart as the registry has them, by digest.

    Raises:
        ToolError: The registry lacks one.
    """
    tagged = [*(release.image(name) for name in IMAGES), release.chart]
    return [f"{one.rpartition(':')[0]}@{registry.digest(release, one)}" for one in tagged]


def _digests(release: Release) -> dict[str, str]:
    path = _digests_file(release)
    if not path.exists():
        raise ToolError(f"{path} is missing: join the images first")
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _digests_file(release: Release) -> Path:
    return release.folder / "pushed" / DIGESTS


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
