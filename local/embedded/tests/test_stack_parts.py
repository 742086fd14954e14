"""Parts of the stack that need no running one."""

import bz2
import gzip
import lzma
import random
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from logscan_api.rules import Rule
from logscan_local.stack import __main__ as command
from logscan_local.stack import demo, grep, pki, ports, processes
from logscan_local.stack.errors import PartFailedError, StackError
from logscan_local.stack.paths import StackPaths
from logscan_local.stack.stacks import Stack
from logscan_local.stack.uploads import StoredFile
from logscan_local.stack.zstandard import zstd
from logscan_tools.paths import cache_root

TALKER = [sys.executable, "-c", "import time; print('hello from the part', flush=True); time.sleep(60)"]
QUITTER = [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"]


def test_a_part_runs_until_it_is_stopped(tmp_path: Path) -> None:
    part = processes.start("talker", TALKER, tmp_path / "log")
    processes.wait_ready(part, lambda: "hello" in processes.tail(part), 20)
    assert part.alive
    processes.stop([part])
    assert not part.alive


def test_a_part_that_ends_shows_its_log(tmp_path: Path) -> None:
    part = processes.start("quitter", QUITTER, tmp_path / "log")
    with pytest.raises(PartFailedError, match=r"quitter ended while starting(.|\n)*no such luck"):
        processes.wait_ready(part, lambda: False, 20)
    processes.stop([part])


def test_a_part_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    part = processes.start("talker", TALKER, tmp_path / "log")
    with pytest.raises(PartFailedError, match="for talker to be ready"):
        processes.wait_ready(part, lambda: False, 0.1)
    processes.stop([part])


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PartFailedError, match="ghost could not be started"):
        processes.start("ghost", [str(tmp_path / "ghost")], tmp_path / "log")


def test_a_pid_of_somebody_else_is_not_the_part(tmp_path: Path) -> None:
    part = processes.start("talker", TALKER, tmp_path / "log")
    assert not processes.Part("talker", part.pid, part.started - 100, part.log).alive
    processes.stop([part])


def test_free_ports_are_free_and_different() -> None:
    numbers = ports.free_ports(5)
    assert len(set(numbers)) == 5
    with socket.socket() as one:
        one.bind(("127.0.0.1", numbers[0]))


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    pki.create_all(tmp_path / "pki", "node-1")
    for path in (tmp_path / "pki").glob("*.key"):
        assert path.stat().st_mode & 0o077 == 0
    pki.write_kubeconfig(tmp_path / "kubeconfig", tmp_path / "pki", "admin", "https://127.0.0.1:1", "logscan")
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o077 == 0


def test_paths_stay_below_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    assert StackPaths("x").state.is_relative_to(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOGSCAN_CACHE", "")
    assert cache_root() == tmp_path / "xdg" / "logscan"
    monkeypatch.delenv("LOGSCAN_CACHE")
    assert cache_root() == tmp_path / "xdg" / "logscan"


def test_a_stack_that_was_never_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_CACHE", str(tmp_path))
    stack = Stack("never", lambda _: None)
    assert stack.parts() == []
    with pytest.raises(StackError, match="make up"):
        stack.environment()
    assert command.main(["--stack", "never", "status"]) == 1
    assert command.main(["--stack", "never", "env"]) == 1
    assert command.main(["--stack", "never", "down"]) == 0


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (Rule(name="r", pattern="ERROR"), 3),
        (Rule(name="r", pattern="error", ignore_case=True), 3),
        (Rule(name="r", pattern="ERROR", exclude="harmless"), 2),
        (Rule(name="r", pattern="nothing"), 0),
    ],
)
def test_grep_counts(tmp_path: Path, rule: Rule, lines: int) -> None:
    (tmp_path / "log").write_bytes(b"ERROR\nERROR harmless\nok\nERROR \xff\n")
    assert grep.count(rule, tmp_path / "log") == lines


def test_grep_refuses_what_is_no_expression(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x\n")
    with pytest.raises(StackError, match="grep"):
        grep.count(Rule(name="r", pattern="("), tmp_path / "log")


def test_grep_counts_through_a_pipe_what_is_larger_than_one(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"ERROR harmless\nERROR serious\n" * 100_000)
    assert grep.count(Rule(name="r", pattern="ERROR", exclude="harmless"), tmp_path / "log") == 100_000
    with pytest.raises(StackError, match="grep"):
        grep.count(Rule(name="r", pattern="ERROR", exclude="("), tmp_path / "log")


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress, lambda b: 2 * gzip.compress(b)], ids=str
)
def test_what_is_compressed_is_decompressed_for_grep(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "packed").write_bytes(pack(b"ERROR\n" * 1000))
    plain = grep.uncompressed(tmp_path / "packed", tmp_path / "plain")
    assert set(plain.read_bytes().splitlines()) == {b"ERROR"}
    (tmp_path / "cut").write_bytes(pack(random.Random(1).randbytes(50_000))[:-20])
    with pytest.raises(StackError, match="cut cannot be decompressed"):
        grep.uncompressed(tmp_path / "cut", tmp_path / "plain")


def test_what_is_plain_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"ERROR\n")
    assert grep.uncompressed(tmp_path / "log", tmp_path / "plain") == tmp_path / "log"


VERSIONED = StoredFile("logs", "a.log", "v1", "e", 1)


@pytest.mark.parametrize(
    ("stored", "source", "same"),
    [
        (VERSIONED, {"bucket": "logs", "key": "a.log", "versionId": "v1", "etag": "other"}, True),
        (VERSIONED, {"bucket": "logs", "key": "a.log", "versionId": "v2", "etag": "e"}, False),
        (VERSIONED, {"bucket": "logs", "key": "a.log"}, False),
        (VERSIONED, {"bucket": "logs", "key": "b.log", "versionId": "v1"}, False),
        (VERSIONED, {"bucket": "other", "key": "a.log", "versionId": "v1"}, False),
        (VERSIONED, {"bucket": "logs", "prefix": "a"}, False),
        (replace(VERSIONED, version_id=None), {"bucket": "logs", "key": "a.log", "etag": "e"}, True),
        (replace(VERSIONED, version_id=None), {"bucket": "logs", "key": "a.log", "etag": "f"}, False),
    ],
)
def test_a_scan_is_found_by_what_it_scans(stored: StoredFile, source: dict[str, str], same: bool) -> None:
    assert stored.is_source_of({"metadata": {"name": "any"}, "spec": {"source": {"s3": source}}}) is same


def test_a_large_log_is_waited_for_longer(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200 << 20)
    assert demo.patience([tmp_path / "small"]) < 130
    assert demo.patience([tmp_path / "large"]) > 500
