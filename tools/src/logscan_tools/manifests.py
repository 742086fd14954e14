"""`python -m logscan_tools.manifests [--check]`: the generated files in `manifests/`.

The CRDs in the chart are those of `crds/`; `manifests/install/logscan.yaml` is the chart with its default values.
"""

import hashlib
import subprocess
import sys

from logscan_tools import binaries
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

NAMESPACE = "logscan"
CHART = REPOSITORY / "manifests" / "chart"
INSTALL = REPOSITORY / "manifests" / "install" / "logscan.yaml"
HEADER_LINES = 2
# Parts of the chart that the rendered manifest does not depend on: values for tests, the CRDs, and what is for people.
NO_INPUT = ("ci", "files/crds", "README.md", ".helmignore")


def crds() -> dict[str, str]:
    """Return the chart's CRDs, which are those of `crds/`, by their paths in the repository."""
    folder = (CHART / "files" / "crds").relative_to(REPOSITORY)
    found = sorted((REPOSITORY / "crds").glob("*.yaml"))
    return {str(folder / source.name): source.read_text(encoding="utf-8") for source in found}


def rendered() -> str:
    """Return what `manifests/install/logscan.yaml` shall contain.

    Without the CRDs, which are in crds/ for all ways of installing, and without the Secret of the signing key, which
    must be another one in each cluster.

    Raises:
        ToolError: Helm is not available or refuses the chart.
    """
    body = render("--set=crds.install=false", "--set=signingKeys.secret=logscan-signing-keys")
    return header(body) + body


def header(body: str) -> str:
    """Return the first lines of the rendered manifest.

    They have a digest of the chart and of the rest of the manifest, so that a change of either is noticed without Helm,
    which may have to be built first.
    """
    digest = hashlib.sha256(body.encode())
    for path in sorted(path for path in CHART.rglob("*") if path.is_file()):
        if not any(path.is_relative_to(CHART / part) for part in NO_INPUT):
            digest.update(f"{path.relative_to(CHART)}\0".encode() + path.read_bytes() + b"\0")
    return (
        "# Rendered from manifests/chart by `make generate`. Do not edit.\n"
        f"# Digest of the chart and of what follows: {digest.hexdigest()[:32]}\n"
    )


def stale() -> list[str]:
    """Return the paths of generated files that differ from what they are made from."""
    found = [name for name, text in crds().items() if _read(name) != text]
    text = INSTALL.read_text(encoding="utf-8")
    body = text.split("\n", HEADER_LINES)[-1]
    if text != header(body) + body:
        found.append(str(INSTALL.relative_to(REPOSITORY)))
    return found


def render(*arguments: str, with_tests: bool = False) -> str:
    """Return the chart as Helm renders it.

    Args:
        arguments: Further arguments of Helm, such as `--values=FILE`.
        with_tests: Whether to include the pods of `helm test`.

    Raises:
        ToolError: Helm is not available or refuses the chart.
    """
    command = [str(binaries.helm(_say)), "template", "logscan", str(CHART), f"--namespace={NAMESPACE}"]
    command += [f"--kube-version={binaries.KUBERNETES_VERSION}", *arguments]
    command += [] if with_tests else ["--skip-tests"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError(f"helm template failed: {done.stderr.strip()}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Write the generated files, or with `--check` report those that differ (exit 1)."""
    if "--check" in arguments:
        found = stale()
        if found:
            _say(f"out of date: {', '.join(found)}: run `make generate` and commit the result")
        return int(bool(found))
    for name, text in crds().items():  # first, since the chart is rendered with them
        (REPOSITORY / name).write_text(text, encoding="utf-8")
    INSTALL.write_text(rendered(), encoding="utf-8")
    return 0


def _read(name: str) -> str | None:
    path = REPOSITORY / name
    return path.read_text(encoding="utf-8") if path.exists() else None


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
