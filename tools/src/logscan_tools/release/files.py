"""The manifests of a release for people without Helm: the CRDs, and everything in one file."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from logscan_tools import binaries, manifests
from logscan_tools.errors import ToolError
from logscan_tools.release.commands import run
from logscan_tools.release.facts import IMAGES, Release

CRDS, INSTALL = "crds.yaml", "install.yaml"
SIGNING_KEYS = "logscan-signing-keys"
HEADER = f"""\
# logscan {{version}}, the chart with its default values: kubectl apply --server-side -f {INSTALL}
# It waits for the Secret {SIGNING_KEYS} with a key of 32 bytes or more under `current`, one in each cluster:
#   kubectl -n {manifests.NAMESPACE} create secret generic {SIGNING_KEYS} --from-literal=current=$(openssl rand -hex 32)
"""


def helm() -> str:
    """Return Helm."""
    return str(binaries.helm(print))


@contextmanager
def released_chart(release: Release, digests: Mapping[str, str]) -> Iterator[Path]:
    """Yield a copy of the chart that names the release's images by their digests.

    Args:
        release: The release.
        digests: The digests of the images by name.

    Raises:
        ToolError: The chart's values have changed so that an image is not found in them.
    """
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "logscan"
        shutil.copytree(manifests.CHART, chart)
        values = chart / "values.yaml"
        values.write_text(_values(release, digests, values.read_text(encoding="utf-8")), encoding="utf-8")
        about = chart / "Chart.yaml"
        about.write_text(_about(release, digests, about.read_text(encoding="utf-8")), encoding="utf-8")
        yield chart


def _values(release: Release, digests: Mapping[str, str], text: str) -> str:
    for name in IMAGES:
        before, found, after = text.partition(f"repository: {name}\n")
        if not found or '  digest: ""\n' not in after:
            raise ToolError(f"the chart's values name no image {name} with a digest")
        after = after.replace('digest: ""\n', f'digest: "{digests[name]}"\n', 1)
        text = f"{before}repository: {release.registry}/{name}\n{after}"
    return text


def _about(release: Release, digests: Mapping[str, str], text: str) -> str:
    images = [{"name": name, "image": f"{release.registry}/{name}@{digests[name]}"} for name in IMAGES]
    chart = yaml.safe_load(text)
    chart |= {"home": release.source, "sources": [release.source], "version": release.version}
    chart["annotations"]["artifacthub.io/images"] = yaml.safe_dump(images, sort_keys=False)
    chart["annotations"]["artifacthub.io/prerelease"] = str("-" in release.version).lower()
    return yaml.safe_dump(chart, sort_keys=False, allow_unicode=True)


def package(release: Release, digests: Mapping[str, str]) -> Path:
    """Write the chart's archive and return its path.

    Raises:
        ToolError: Helm is not available or refuses the chart.
    """
    with released_chart(release, digests) as chart:
        run([helm(), "package", str(chart), f"--destination={release.folder}"])
    return release.folder / f"logscan-{release.version}.tgz"


def write_manifests(release: Release, chart: Path) -> list[Path]:
    """Write the CRDs and the chart with its default values as files, and return their paths.

    Raises:
        ToolError: Helm is not available or refuses the chart.
    """
    crds = "".join(f"---\n{text}" for text in manifests.crds().values())
    command = [helm(), "template", "logscan", str(chart), f"--namespace={manifests.NAMESPACE}", "--skip-tests"]
    command += [f"--kube-version={binaries.KUBERNETES_VERSION}", "--set=crds.install=false"]
    body = run([*command, f"--set=signingKeys.secret={SIGNING_KEYS}"])
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": manifests.NAMESPACE, "labels": labels}
    namespace = yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, sort_keys=False)
    texts = {CRDS: crds, INSTALL: f"{HEADER.format(version=release.version)}---\n{namespace}{crds}{body}"}
    for name, text in texts.items():
        (release.folder / name).write_text(text, encoding="utf-8")
    return [release.folder / name for name in texts]
