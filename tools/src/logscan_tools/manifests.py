"""`python -m logscan_tools.manifests [--check]`: everything under `manifests/` that is made from something else.

The CRDs in the chart are those of `crds/`; `manifests/install/logscan.yaml` is the chart with its default values.
"""

import subprocess
import sys

from logscan_tools import binaries
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

NAMESPACE = "logscan"
CHART = REPOSITORY / "manifests" / "chart"
INSTALL = REPOSITORY / "manifests" / "install" / "logscan.yaml"
HEADER = "# Rendered from manifests/chart by `make generate`. Do not edit.\n"


def expected() -> dict[str, str]:
    """Return what each generated file shall contain, by its path in the repository.

    Raises:
        ToolError: Helm is not to be had or refuses the chart.
    """
    files = {}
    for source in sorted((REPOSITORY / "crds").glob("*.yaml")):
        files[str((CHART / "files" / "crds" / source.name).relative_to(REPOSITORY))] = source.read_text(
            encoding="utf-8"
        )
    # Without the CRDs, which are in crds/ for all ways of installing.
    files[str(INSTALL.relative_to(REPOSITORY))] = HEADER + render("--set=crds.install=false")
    return files


def render(*arguments: str, with_tests: bool = False) -> str:
    """Return the chart as Helm renders it.

    Args:
        arguments: Further ones of Helm, such as `--values=FILE`.
        with_tests: Whether what `helm test` runs is among it.

    Raises:
        ToolError: Helm is not to be had or refuses the chart.
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
    check, stale = "--check" in arguments, []
    for name, text in expected().items():
        path = REPOSITORY / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if check and stale:
        _say(f"out of date: {', '.join(stale)}: run `make generate` and commit the result")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
