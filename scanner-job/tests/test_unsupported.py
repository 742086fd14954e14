"""Content that is not a log is refused with what it looks like; every text in any encoding is read."""

import base64
import bz2
import gzip
import random
import sqlite3
import struct
import sys
import zlib
from pathlib import Path

import pytest
from formats import zipped
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.exitcodes import ExitCode
from logscan_api.requests import resolve_limits
from logscan_api.rules import Rule
from logscan_scanner.errors import ScanError
from logscan_scanner.reading.unsupported import problem
from logscan_scanner.scanning.progress import Progress
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.scan import Scan

CHANCE = random.Random(7)
LOG = b"".join(b"2026-11-24 10:00:00 ERROR line %d of many\n" % n for n in range(50))
AGE_HEADER = b"age-encryption.org/v1\n-> X25519 " + b"A" * 43 + b"\n" + b"B" * 43 + b"\n--- " + b"C" * 43 + b"\n"


def sqlite() -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE log (line TEXT)")
    database.execute("INSERT INTO log VALUES (?)", [LOG.decode()])
    database.commit()
    return database.serialize()


BINARY = {
    "Parquet": b"PAR1" + b"\x15\x04\x15\x10" * 50,
    "evtx": b"ElfFile\0" + b"\0" * 8 + b"\x03\x01" * 60,
    "journal": b"LPKSHHRH" + b"\0\0\0\0\x02\x01" * 40,
    "Avro": b"Obj\x01\x04\x14avro.codec\x08null\x16avro.schema" + b"\x80\x02" * 30,
    "ORC": b"ORC\x0a\x0b\x0a\x03" + b"\x00\x12" * 50,
    "SQLite": sqlite(),
    "wtmp": struct.pack("<hxxi32s4s32s256s44x", 7, 4711, b"pts/0", b"ts/0", b"bob", b"192.0.2.1") * 9,
    "packet capture": struct.pack("<IHHiIIIIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1, 1_795_000_000, 7, 60, 60) + LOG,
    "program": Path(sys.executable).resolve().read_bytes()[:100_000],
    "core": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x04\0\x3e\0" + LOG,
    "PGP": b"-----BEGIN PGP MESSAGE-----\n\n" + base64.encodebytes(CHANCE.randbytes(2000)),
    "age, armored": b"-----BEGIN AGE ENCRYPTED FILE-----\n" + base64.encodebytes(CHANCE.randbytes(2000)),
    "age": AGE_HEADER + CHANCE.randbytes(200),
    "Ansible Vault": b"$ANSIBLE_VAULT;1.1;AES256\n" + CHANCE.randbytes(400).hex().encode(),
    "encrypted": CHANCE.randbytes(4000),
    "openssl": b"Salted__" + CHANCE.randbytes(100),
    "raw deflate": zlib.compress(LOG * 20, wbits=-15),
}


def scanned(data: bytes, key: str | None = None) -> Scan:
    rules = [Rule(name="err", pattern="ERROR")]
    scan = Scan(compile_for_scan(rules), rules, resolve_limits(), Progress(None))
    scan.read([data], key)
    scan.finish()
    return scan


@pytest.mark.parametrize("data", BINARY.values(), ids=BINARY)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_an_object_that_is_no_log_fails_and_says_what_it_looks_like(data: bytes, pack: type[bytes]) -> None:
    with pytest.raises(ScanError, match=r"it looks like .*: ") as raised:
        scanned(pack(data))
    assert raised.value.code is ExitCode.UNSUPPORTED_FORMAT
    assert raised.value.code.permanent


def test_in_an_archive_the_others_are_scanned() -> None:
    scan = scanned(zipped({"a.log": LOG, "b.parquet": BINARY["Parquet"], "c.log": LOG}))
    assert [(part.reason, part.object) for part in scan.incomplete] == [("UnsupportedFormat", "!b.parquet")]
    assert scan.engine.counts().by_rule == [100]


def test_many_that_are_no_logs_are_counted_and_the_first_are_named() -> None:
    scan = scanned(zipped({f"{n}.bin": BINARY["encrypted"] for n in range(30)}))
    assert len(scan.incomplete) == 11
    assert str(scan.incomplete[-1].message).startswith("20 more")


def test_those_that_are_not_named_are_counted_by_reason() -> None:
    broken = gzip.compress(LOG)[:-9]
    members = {f"{n}": BINARY["encrypted"] if n % 3 else broken for n in range(40)}
    scan = scanned(zipped(members))
    more = {str(part.reason): str(part.message).split()[0] for part in scan.incomplete[10:]}
    assert more == {"UnsupportedFormat": "20", "Damaged": "10"}


def test_an_encrypted_member_is_not_called_damaged() -> None:
    stored = bytearray(zipped({"a": LOG, "b": LOG}))
    stored[stored.index(b"PK\x03\x04", 4) + 6] |= 1  # the folder comes first
    scan = scanned(bytes(stored))
    assert [(part.reason, part.object) for part in scan.incomplete] == [("UnsupportedFormat", "!a")]
    assert scan.engine.counts().by_rule == [50]


def test_of_several_objects_one_that_is_no_log_fails_nothing() -> None:
    scan = scanned(BINARY["Avro"], key="logs/a.avro")
    assert [(part.reason, part.object) for part in scan.incomplete] == [("UnsupportedFormat", "logs/a.avro")]


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_no_text_is_refused(text: str, encoding: str) -> None:
    assert problem(f"{text}\n".encode(encoding)) is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Ошибка соединения с базой данных\n", "cp1251"),  # noqa: RUF001
        ("データベース接続エラー\n", "shift_jis"),
        ("データベース接続エラー\n", "iso2022_jp"),
        ("数据库连接错误\n", "gb18030"),
        ("Verbindungsfehler: Größe überschritten\n", "latin-1"),
        ("Verbindungsfehler\n", "utf-16-le"),
    ],
)
def test_logs_in_other_encodings_are_read(text: str, encoding: str) -> None:
    assert problem(text.encode(encoding) * 20) is None


@pytest.mark.parametrize(
    "line",
    [
        b"PAR1 is the name of this service\n",
        b"ORC: error\n",
        b"ORCHESTRATOR started, all of its workers are up and the queue is empty\n" + b"\x02\0later",
        b"8=FIX.4.4\x019=126\x0135=A\x0149=theirs\x0156=ours\x0134=1\x0152=20261124-10:00:00\x0110=062\x01\n" * 20,
        b"\x1b[31mERROR\x1b[0m\n",
        b"\0" * 4096 + b"after a hole\n",
        b"xx\n",
    ],
)
def test_what_only_begins_like_another_format_or_has_colours_and_holes_is_read(line: bytes) -> None:
    assert problem(line) is None


def test_real_logs_are_read() -> None:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "loghub"
    if not folder.is_dir():
        pytest.skip("no real logs beside the repository")
    assert [path.name for path in folder.iterdir() if path.is_file() and problem(path.read_bytes())] == []
