"""A panic of Rust is an `InternalError` in Python, and ends nothing but the scan that it belongs to."""

import subprocess
import sys
import time

import pytest

from logscan_engine import InternalError, Rule, RuleSet, Scan, _native, count

RULES = RuleSet([Rule("error", "ERROR")])


def scan(threads: int) -> Scan:
    running = Scan(
        RULES,
        threads=threads,
        reference=int(time.time()),
        max_record_bytes=1 << 20,
        samples=1,
        findings=1,
        before=1,
        after=1,
        line_bytes=100,
    )
    running.begin(None)
    return running


def test_a_panic_in_a_call_is_an_internal_error() -> None:
    with pytest.raises(InternalError, match=r"^the scan engine panicked: a panic for tests$"):
        _native._panic()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_panic_in_a_thread_is_an_internal_error_of_its_scan(threads: int) -> None:
    broken = scan(threads)
    broken.push(b"ERROR\n" * 1000)
    broken._push_panic()
    for _ in range(2):
        with pytest.raises(InternalError, match=r"^the scan engine panicked: a panic for tests$"):
            broken.finish()
    assert count(RULES, b"ERROR\nno\nERROR\n", threads).by_rule == [2], "the next scan is none the worse for it"


def test_a_process_ends_by_the_error_and_not_by_a_signal() -> None:
    program = "from logscan_engine import _native; _native._panic()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "logscan_engine.errors.InternalError: the scan engine panicked: a panic for tests",
    )
