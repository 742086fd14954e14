"""A bill of materials in CycloneDX 1.6 (https://cyclonedx.org). The same parts give the same file."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

from logscan_tools.release.components import Component
from logscan_tools.release.facts import Release


def document(release: Release, name: str, kind: str, parts: Sequence[Component]) -> dict[str, Any]:
    """Return the bill of materials of one artifact.

    Args:
        release: The release.
        name: The artifact, such as `logscan-operator`.
        kind: What it is, in CycloneDX' words: `container` or `application`.
        parts: What it consists of.
    """
    top = {"type": kind, "bom-ref": name, "name": name, "version": release.version}
    licence = [{"license": {"id": "Apache-2.0"}}]
    unique = sorted(set(parts))
    components = [_component(part) for part in unique]
    digest = hashlib.sha256(json.dumps([top, release.revision, components]).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": release.committed.isoformat().replace("+00:00", "Z"),
            "component": {**top, "licenses": licence},
            "properties": [{"name": "org.opencontainers.image.revision", "value": release.revision}],
        },
        "components": components,
        "dependencies": [{"ref": name, "dependsOn": [part.purl for part in unique]}],
    }


def _component(part: Component) -> dict[str, Any]:
    made = {"type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl}
    return {**made, "hashes": [{"alg": "SHA-256", "content": part.sha256}]} if part.sha256 else made
