"""`python -m logscan_tools.release STEP --registry R --source URL [--folder DIR]`: one step of a release.

The workflow `release.yaml` runs the steps on several machines, `make release-rehearsal` on this one.
"""

import argparse
import sys
from pathlib import Path

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY, platform_name
from logscan_tools.release import provenance, signing, steps, wheels
from logscan_tools.release.facts import Release, this_release

FOLDER = REPOSITORY / "dist" / "release"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="logscan_tools.release", description="Run one step of a release.")
    parser.add_argument("step", choices=["notes", "wheels", "bases", "images", "chart", "sign", "verify"])
    parser.add_argument("--registry", required=True, help="registry and folder, such as ghcr.io/owner")
    parser.add_argument(
        "--source", required=True, help="address of the repository, such as https://github.com/o/logscan"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the release's files are")
    parser.add_argument("--tag", help="tag of the release, which must be that of the version")
    parser.add_argument("--arch", action="append", default=[], help="architecture of wheels (x86_64) or images (amd64)")
    parser.add_argument("--base", help="base of the images, by digest")
    parser.add_argument("--rust", help="image that compiles the engine, by digest")
    parser.add_argument("--builder", default="https://example.com/a-machine", help="who builds, a URI (chart)")
    parser.add_argument("--run", default="", help="the run of the builder, a URI (chart)")
    parser.add_argument("--key", type=Path, help="key of cosign, instead of the workflow's identity")
    return parser


def run(release: Release, chosen: argparse.Namespace) -> None:
    """Run a step.

    Raises:
        ToolError: It failed, or the tag is not that of the version.
    """
    if chosen.tag and chosen.tag != release.tag:
        raise ToolError(f"the tag is {chosen.tag}, but the version is {release.version}: run make bump, then tag")
    bases = {name: value for name in ("base", "rust") if (value := getattr(chosen, name))}
    cosign = signing.Cosign(release, chosen.key)
    match chosen.step:
        case "notes":
            steps.write_notes(release, release.version)
        case "wheels":
            steps.build_wheels(release, chosen.arch or wheels.buildable())
        case "bases":
            print("".join(f"{name.lower()}={value}\n" for name, value in steps.bases(release).items()), end="")
        case "images":
            steps.push_images(release, platform_name()[1], bases)
        case "chart":
            steps.join_images(release, chosen.arch)
            steps.write_chart(release)
            steps.push_chart(release)
            steps.write_provenance(release, chosen.builder, chosen.run, provenance.bases_of(bases))
        case "sign":
            steps.sign(release, cosign, chosen.arch)
        case "verify":
            steps.verify(release, cosign)


def main() -> int:
    """Run the step that the command line names."""
    chosen = _parser().parse_args()
    try:
        run(this_release(chosen.folder, chosen.registry, chosen.source), chosen)
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
