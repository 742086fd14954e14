"""Signs and verifies with cosign: by a key, or without one by the identity of the workflow that runs (`id-token`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logscan_tools import binaries
from logscan_tools.release.commands import run
from logscan_tools.release.facts import Release

BUNDLE = ".sigstore.json"
PROVENANCE, SBOM = "slsaprovenance1", "cyclonedx"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Cosign:
    """Cosign with one way to sign.

    Attributes:
        release: The release.
        key: A private key, or to verify a public one; None for the identity of the workflow.
        password: Of the private key.
    """

    release: Release
    key: Path | None = None
    password: str = ""

    def sign(self, reference: str) -> None:
        """Sign an image or artifact in the registry, which is named by its digest."""
        self._run("sign", *self._signs(), *self._insecure(), "--recursive", reference)

    def attest(self, reference: str, kind: str, predicate: Path) -> None:
        """Sign a statement about an image or artifact and store it beside it."""
        command = ["attest", *self._signs(), *self._insecure(), f"--type={kind}", f"--predicate={predicate}"]
        self._run(*command, reference)

    def sign_file(self, path: Path) -> Path:
        """Sign a file and return the path of the signature."""
        bundle = path.with_name(path.name + BUNDLE)
        self._run("sign-blob", *self._signs(), f"--bundle={bundle}", str(path))
        return bundle

    def verify(self, reference: str) -> None:
        """Verify the signature of an image or artifact.

        Raises:
            ToolError: Nobody has signed it, or somebody else.
        """
        self._run("verify", *self._verifies(), *self._insecure(), reference)

    def verify_attestation(self, reference: str, kind: str) -> dict[str, Any]:
        """Verify a statement about an image or artifact, and return it.

        Raises:
            ToolError: There is none, or somebody else has signed it.
        """
        said = self._run("verify-attestation", *self._verifies(), *self._insecure(), f"--type={kind}", reference)
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    def verify_file(self, path: Path) -> None:
        """Verify the signature of a file.

        Raises:
            ToolError: There is none, somebody else has signed it, or the file is another.
        """
        bundle = path.with_name(path.name + BUNDLE)
        self._run("verify-blob", *self._verifies(), f"--bundle={bundle}", str(path))

    def _signs(self) -> list[str]:
        if self.key is None:
            return ["--yes"]
        # A key of one's own is in no public log.
        return ["--yes", f"--key={self.key}", "--tlog-upload=false", "--use-signing-config=false"]

    def _verifies(self) -> list[str]:
        if self.key is None:
            workflow = f"{self.release.source}/.github/workflows/release.yaml@refs/tags/{self.release.tag}"
            return [f"--certificate-identity={workflow}", f"--certificate-oidc-issuer={ISSUER}"]
        return [f"--key={self.key}", "--insecure-ignore-tlog=true"]

    def _insecure(self) -> list[str]:
        return ["--allow-insecure-registry", "--allow-http-registry"] if self.release.insecure else []

    def _run(self, *arguments: str) -> str:
        secret: Mapping[str, str] = {"COSIGN_PASSWORD": self.password} if self.key else {}
        return run([str(binaries.pinned(binaries.COSIGN, print)), *arguments], variables=secret)


def new_keys(folder: Path, password: str) -> tuple[Path, Path]:
    """Make a pair of keys in a folder and return the private and the public one."""
    run([str(binaries.pinned(binaries.COSIGN, print)), "generate-key-pair"], folder, {"COSIGN_PASSWORD": password})
    return folder / "cosign.key", folder / "cosign.pub"
