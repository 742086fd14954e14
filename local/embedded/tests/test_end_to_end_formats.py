"""Objects that are no logs, cut off or streamed, through the whole pipeline: what `kubectl get logscans` shows."""

import gzip
import io
import re
import tarfile
import zipfile

import pytest
from clouds import Cloud

from logscan_local.testkit.clusters import Cluster
from logscan_local.testkit.pipes import Pipe

pytestmark = pytest.mark.stack

LINE = b"2026-11-24T08:00:00Z ERROR connection refused by 10.0.0.1\n"
LOG = LINE * 100
PARQUET = b"PAR1" + b"\x15\x04\x15\x10\x15\x14\x4c\x15\x02" * 40 + b"PAR1"


@pytest.fixture(scope="module")
def cloud(full_stack: Cluster) -> Cloud:
    return Cloud(full_stack)


def half_written() -> bytes:
    """Return a tar.gz of which the end is missing: a whole log, and a part of another."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("a.log", "b.log"):
            entry = tarfile.TarInfo(name)
            entry.size = len(LOG)
            archive.addfile(entry, io.BytesIO(LOG))
    whole = 512 + len(LOG) + -len(LOG) % 512 + 512 + 20 * len(LINE)
    return gzip.compress(file.getvalue()[:whole])[:-8]


def streamed() -> bytes:
    target = Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"a.log": LOG, "empty.log": b"", "b.log": LOG}.items():
            archive.writestr(name, content)
    return bytes(target.written)


def shown(cloud: Cloud, name: str) -> dict[str, str]:
    """Return what `kubectl get logscans` prints of one, by column."""
    header, line = cloud.kubectl.run("get", "logscans", name).splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    ends = [*starts[1:], None]
    return {header[start:end].strip(): line[start:end].strip() for start, end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize(
    ("key", "body", "expected"),
    [
        ("flow.parquet", PARQUET, ("Failed", "", "", "")),
        ("bundle.tar.gz", half_written(), ("Succeeded", "120", "120", "Damaged")),
        ("streamed.zip", streamed(), ("Succeeded", "200", "200", "")),
    ],
)
def test_the_table_shows_what_was_read(
    cloud: Cloud, key: str, body: bytes, expected: tuple[str, str, str, str]
) -> None:
    scan = cloud.ended(cloud.upload(f"e2e/formats/{key}", body))
    columns = shown(cloud, scan["metadata"]["name"])
    assert tuple(columns[name] for name in ("PHASE", "MATCHED", "LINES", "INCOMPLETE")) == expected, scan["status"]
    if expected[0] == "Failed":
        assert scan["status"]["reason"] == "UnsupportedFormat"
        assert "Parquet" in scan["status"]["message"]
