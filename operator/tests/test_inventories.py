"""How an inventory becomes entries of a listing: which rows, in which order, and what is refused with which words."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventoryworld import (
    MANIFEST,
    VERSIONED,
    WRITTEN,
    MemoryObjects,
    inventory,
    manifest,
    named_file,
    row,
    row_of,
    source_of,
)

from logscan_api.sources import S3Source
from logscan_operator.errors import AwsError, InventoryError
from logscan_operator.gzipped import LINE
from logscan_operator.inventoryfiles import PIECE, InventoryKeys
from logscan_operator.listings import Listed

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200)


def read(objects: MemoryObjects, cursor: str | None = None, verify: bool = True, **source: Any) -> list[Listed]:
    """Return all entries after a cursor."""

    async def all_of_them() -> list[Listed]:
        keys = InventoryKeys(objects, S3Source.model_validate(source_of(**source)), cursor, verify)
        found: list[Listed] = []
        while True:
            entries, more = await keys.following()
            found += entries
            if not more:
                return found

    return asyncio.run(all_of_them())


def names(entries: list[Listed]) -> list[str]:
    return [entry.key for entry in entries]


def test_entries_are_the_rows_of_all_files_in_their_order() -> None:
    keys = [["b 1+%.log", "a/ü.log"], [], ["0&\"',.log"]]
    found = read(MemoryObjects(inventory([[row_of(key, 7) for key in file] for file in keys])))
    assert names(found) == ["b 1+%.log", "a/ü.log", "0&\"',.log"]
    assert {(entry.size, entry.modified.isoformat(), entry.readable) for entry in found} == {
        (7, "2026-11-01T00:00:00+00:00", True)
    }


def test_only_the_newest_version_is_an_object_and_a_deleted_one_is_none() -> None:
    rows = [
        row("logs", "a", "3", "true", "false", 5, WRITTEN),
        row("logs", "a", "2", "false", "false", 5, WRITTEN),
        row("logs", "b", "2", "true", "true", "", WRITTEN),
        row("logs", "b", "1", "false", "false", 5, WRITTEN),
    ]
    assert names(read(MemoryObjects(inventory([rows], VERSIONED)))) == ["a"]


def test_a_prefix_leaves_out_what_does_not_begin_with_it() -> None:
    rows = [row_of(key) for key in ("app/1", "db/1", "app/2", "app")]
    assert names(read(MemoryObjects(inventory([rows])), prefix="app/")) == ["app/1", "app/2"]


BAD_ROWS = [
    "",
    "no csv \x00",
    '"logs","unterminated',
    row("logs", "too", "few"),
    row("logs", "too", 1, WRITTEN, "STANDARD", "many"),
    row_of("of another bucket", bucket="theirs"),
    row("logs", "%FF", 1, WRITTEN, "STANDARD"),
    row("logs", "", 1, WRITTEN, "STANDARD"),
    row("logs", "x" * 1025, 1, WRITTEN, "STANDARD"),
    row_of("size", size=-1),
    row("logs", "size", "1e3", WRITTEN, "STANDARD"),
    row("logs", "size", "9" * 30, WRITTEN, "STANDARD"),
    row("logs", "size", "\u0661", WRITTEN, "STANDARD"),
    row_of("time", written="yesterday"),
    row_of("time", written="2026-11-01T00:00:00"),
]


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_a_row_that_cannot_be_read_is_told_from_others_and_loses_none(bad: str) -> None:
    found = read(MemoryObjects(inventory([[row_of("a"), bad, row_of("b")]])))
    assert [(entry.key, entry.readable) for entry in found] == [("a", True), ("", False), ("b", True)]


def test_bytes_that_are_no_text_and_a_line_without_an_end_are_bad_rows_too() -> None:
    for body in (b'"logs","\xff","1"\n', b"x" * (3 * LINE) + b"\n", b"\r\n"):
        packed = gzip.compress(body + row_of("b").encode())
        objects = {"0.csv.gz": packed, MANIFEST: json.dumps(manifest([named_file("0.csv.gz", packed)])).encode()}
        entries = read(MemoryObjects(objects))
        assert [(entry.key, entry.readable) for entry in entries] == [("", False), ("b", True)]


@given(st.lists(st.lists(KEYS, max_size=6), max_size=4), st.integers(1, 50))
def test_from_any_cursor_what_follows_is_read_and_nothing_else(files: list[list[str]], most: int) -> None:
    objects = MemoryObjects(inventory([[row_of(key) for key in file] for file in files]), most)
    whole = read(objects)
    assert names(whole) == [key for file in files for key in file if len(key.encode()) <= 1024]
    for number, entry in enumerate(whole):
        assert read(objects, entry.cursor) == whole[number + 1 :]


def test_rows_of_many_members_and_pieces_are_read_with_little_memory() -> None:
    rows = [row_of(f"app/{n:06}.log", n) for n in range(60_000)]
    objects = inventory([[]])
    body = b"".join(gzip.compress(f"{one}\r\n".encode() * 1) for one in rows[:50])
    body += gzip.compress("".join(f"{one}\n" for one in rows[50:]).encode(), 1)
    key = "lists/logs/daily/data/0.csv.gz"
    objects |= {key: body, MANIFEST: json.dumps(manifest([named_file(key, body)])).encode()}
    files = MemoryObjects(objects, most=10_000)
    assert names(read(files)) == [f"app/{n:06}.log" for n in range(60_000)]
    assert files.largest <= 10_000 < PIECE


def test_a_call_that_fails_is_made_again_and_nothing_is_read_twice() -> None:
    objects = MemoryObjects(inventory([[row_of("a"), row_of("b")], [row_of("c")]]), most=20)

    async def with_failures() -> list[str]:
        keys = InventoryKeys(objects, S3Source.model_validate(source_of()), None, True)
        found: list[str] = []
        for turn in range(1000):
            if turn % 3 == 0:
                objects.problems = [AwsError("slow down", "SlowDown")]
            try:
                entries, more = await keys.following()
            except AwsError:
                continue
            found += names(entries)
            if not more:
                return found
        raise AssertionError(found)

    assert asyncio.run(with_failures()) == ["a", "b", "c"]


def refused(objects: dict[str, bytes], **source: Any) -> str:
    with pytest.raises(InventoryError) as error:
        read(MemoryObjects(objects), **source)
    assert error.value.code == "InvalidInventory"
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fileFormat": "ORC"}, "of the format ORC, and only CSV is read: choose CSV as the output format"),
        ({"fileFormat": "Parquet"}, "of the format Parquet, and only CSV is read"),
        ({"sourceBucket": "theirs"}, "lists the bucket theirs, and source.s3.bucket is logs"),
        ({"destinationBucket": "arn:aws:s3:::other"}, "are in the bucket other: name the manifest there"),
        ({"fileSchema": "Bucket, Key"}, "no column LastModifiedDate and Size: add Size and Last modified"),
        ({"fileSchema": "Bucket, Key, VersionId, Size, LastModifiedDate"}, "no column IsDeleteMarker and IsLatest"),
        ({"files": [{"key": "x"}]}, "is no manifest of S3 Inventory (KeyError: 'size')"),
        ({"files": 7}, "is no manifest of S3 Inventory"),
        ({"fileFormat": None}, "of the format None"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_what_to_do(changes: dict[str, Any], words: str) -> None:
    document = {**json.loads(inventory([[row_of("a")]])[MANIFEST]), **changes}
    assert words in refused({MANIFEST: json.dumps(document).encode()})


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"7", b'"x"', b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(body: bytes) -> None:
    assert f"s3://logs/{MANIFEST} is no manifest of S3 Inventory" in refused({MANIFEST: body})


def test_no_row_of_a_damaged_file_is_used() -> None:
    objects = inventory([[row_of(f"{n}") for n in range(50)]])
    (key,) = objects.keys() - {MANIFEST}
    body = objects[key]
    for other in (body[:-1] + b"x", b"x" + body[1:]):
        objects[key] = other
        assert f"s3://logs/{key} does not have the MD5 that the manifest names" in refused(objects)
    objects[key] = body[:-1]
    assert "bytes, and" in refused(objects)
    cut = body[: len(body) // 2]
    objects |= {key: cut, MANIFEST: json.dumps(manifest([named_file(key, cut)])).encode()}
    assert "is no gzip file that can be read: it is cut off" in refused(objects)
    plain = b"no gzip"
    objects |= {key: plain, MANIFEST: json.dumps(manifest([named_file(key, plain)])).encode()}
    assert "is no gzip file that can be read" in refused(objects)
    del objects[key]
    with pytest.raises(AwsError, match=f"s3://logs/{key}: no such key"):
        read(MemoryObjects(objects))


def test_a_manifest_that_changes_after_the_scan_began_is_refused() -> None:
    before = inventory([[row_of("a"), row_of("b")]])
    cursor = read(MemoryObjects(before))[0].cursor
    with pytest.raises(InventoryError, match="has changed since the scan began"):
        read(MemoryObjects(inventory([[row_of("0"), row_of("a"), row_of("b")]])), cursor)


def test_a_file_that_is_overwritten_while_it_is_read_is_refused() -> None:
    objects = MemoryObjects(inventory([[row_of(f"{n}") for n in range(50)]]), most=20)
    (key,) = objects.objects.keys() - {MANIFEST}

    async def overwrite() -> None:
        keys = InventoryKeys(objects, S3Source.model_validate(source_of()), None, True)

        async def rest() -> list[Listed]:
            found: list[Listed] = []
            more = True
            while more:
                entries, more = await keys.following()
                found += entries
            return found

        for _ in range(3):
            await keys.following()
        body = objects.objects[key]
        objects.objects[key] = body[:-1] + b"x"
        with pytest.raises(InventoryError, match="was overwritten while it was read"):
            await rest()
        with pytest.raises(InventoryError, match="MD5"):
            await rest()
        objects.objects[key] = body
        assert names(await rest()) == [f"{n}" for n in range(50)]

    asyncio.run(overwrite())


@given(KEYS)
def test_any_key_is_read(key: str) -> None:
    if len(key.encode()) <= 1024:
        assert names(read(MemoryObjects(inventory([[row_of(key)]])))) == [key]
