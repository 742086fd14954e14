"""Provenance: of which commit, lock files and base images the artifacts were made, as SLSA v1 states it.

https://slsa.dev/spec/v1.1/provenance
"""

from collections.abc import Mapping
from typing import Any

from logscan_tools.paths import REPOSITORY
from logscan_tools.release import checksums
from logscan_tools.release.facts import Release

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
LOCKS = (
    "bootstrap.lock",
    "cli/plugin.lock",
    "operator/image.lock",
    "requirements.lock",
    "scanner-job/engine/rust/Cargo.lock",
    "scanner-job/image.lock",
    "tools/images/build.lock",
    "tools/images/release.lock",
)


def predicate(release: Release, builder: str, run: str, bases: Mapping[str, str]) -> dict[str, Any]:
    """Return how the artifacts were made.

    Args:
        release: The release.
        builder: Who built it, a URI.
        run: The run of the builder, a URI; empty if it has none.
        bases: The digests of base images (`sha256:...`) by their names.
    """
    source = f"git+{release.source}@refs/tags/{release.tag}"
    materials: list[dict[str, Any]] = [{"uri": source, "digest": {"gitCommit": release.revision}}]
    for name, digest in sorted(bases.items()):
        materials.append({"uri": f"pkg:docker/{name}", "digest": {"sha256": digest.removeprefix("sha256:")}})
    for lock in LOCKS:
        materials.append({"uri": f"{source}#{lock}", "digest": {"sha256": checksums.digest(REPOSITORY / lock)}})
    return {
        "buildDefinition": {
            "buildType": f"{release.source}/blob/{release.tag}/docs/releases.md",
            "externalParameters": {"source": source, "version": release.version},
            "resolvedDependencies": materials,
        },
        "runDetails": {"builder": {"id": builder}, "metadata": {"invocationId": run} if run else {}},
    }


def statement(files: Mapping[str, str], how: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statement that files, by their names and SHA-256, were made in this way."""
    subjects = [{"name": name, "digest": {"sha256": value}} for name, value in files.items()]
    return {"_type": STATEMENT, "subject": subjects, "predicateType": PREDICATE, "predicate": how}


def bases_of(arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of base images by their names, from references such as `python:3.13@sha256:...`."""
    split = (reference.partition("@") for reference in arguments.values())
    return {name: digest for name, _, digest in split if digest}
