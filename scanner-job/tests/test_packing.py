"""What the page holds of the findings: whole lines, the first ones, within bounds, and the file is complete."""

import gzip
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_scanner.reporting import packing
from logscan_scanner.reporting.packing import Excerpt, Packer


def packed(lines: list[bytes]) -> tuple[bytes, Excerpt]:
    written = bytearray()
    packer = Packer(written.extend)
    for line in lines:
        packer.add(line)
    packer.close()
    return bytes(written), packer.excerpt()


def unpacked(excerpt: Excerpt) -> bytes:
    """Return what is in an excerpt, which must be a whole stream."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    text = stream.decompress(excerpt.data)
    assert stream.eof
    assert not stream.unused_data
    return text


@given(
    st.lists(st.binary(max_size=40).map(lambda b: b.hex().encode() + b"\n"), max_size=200),
    st.integers(0, 2000),
    st.integers(0, 5000),
    st.integers(1, 400),
)
def test_an_excerpt_is_the_first_lines_of_the_file(lines: list[bytes], kept: int, text: int, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "KEPT_BYTES", kept)
        patch.setattr(packing, "KEPT_TEXT_BYTES", text)
        patch.setattr(packing, "STEP_BYTES", step)
        written, excerpt = packed(lines)
    assert gzip.decompress(written) == b"".join(lines)
    assert (excerpt.of, unpacked(excerpt)) == (len(lines), b"".join(lines[: excerpt.lines]))
    assert len(excerpt.data) <= max(kept, 2)
    assert len(unpacked(excerpt)) <= text


def test_what_a_scan_usually_finds_is_kept_whole() -> None:
    lines = [b"%d the connection to 10.0.0.%d was refused %s\n" % (n, n % 256, os.urandom(4)) for n in range(20_000)]
    _, excerpt = packed(lines)
    assert excerpt.lines == excerpt.of == 20_000


@pytest.mark.parametrize("noise", [os.urandom, bytes], ids=["incompressible", "compressible"])
def test_any_number_of_findings_stays_within_both_bounds(noise: "type[bytes]") -> None:
    _, excerpt = packed([noise(4000).hex().encode() + b"\n" for _ in range(8000)])
    assert 0 < excerpt.lines < excerpt.of == 8000
    assert len(excerpt.data) <= packing.KEPT_BYTES
    assert len(unpacked(excerpt)) <= packing.KEPT_TEXT_BYTES
