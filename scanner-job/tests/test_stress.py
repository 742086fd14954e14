"""Input and rules that mean harm: bounded memory and time, and the right outcome. Real processes under rlimits."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import brotli
import pytest
from corpora import chunks, count
from formats import COMPRESS, deflate64, tarred
from hostile import zip_entry

from logscan_api.rules import Rule

pytestmark = pytest.mark.stress

CPU_SECONDS = 60
DATA_MIB = 512  # virtual; what is resident is measured
RESIDENT_MIB = 96
RULES = "inline: [{name: x, pattern: x}, {name: both, pattern: 'x.*y'}]"


# What a process had resident counts for the program that it becomes, so that pytest must not be the one that starts it.
LAUNCHER = f"""
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
resource.setrlimit(resource.RLIMIT_DATA, ({DATA_MIB} << 20, {DATA_MIB} << 20))
code = subprocess.call([sys.executable, "-m", "logscan_scanner", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def scan(folder: Path, pieces: Iterable[bytes], rules: str = RULES) -> dict[str, Any]:
    """Return what a scan of standard input prints, after it was fed some pieces."""
    (folder / "rules.yaml").write_text(rules)
    output, resident = folder / "output.json", folder / "resident"
    with output.open("wb") as out, resident.open("wb") as told:
        command = [sys.executable, "-c", LAUNCHER, "--file", "-", "--rules", str(folder / "rules.yaml")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=told)
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin:  # it may have seen enough before the end
            for piece in pieces:
                process.stdin.write(piece)
        assert process.wait() == 0
    assert int(resident.read_text()) / 1024 < RESIDENT_MIB
    answer: dict[str, Any] = json.loads(output.read_text())
    return answer


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    member = gzip.compress(b"\0" * (64 << 20))
    found = scan(tmp_path, (member for _ in range(160)))
    assert [part["reason"] for part in found["incomplete"]] == ["CompressionRatio"]


ZEROS = b"\0" * (32 << 20)
BOMBS = {
    **{kind: compress(ZEROS) for kind, compress in COMPRESS.items()},
    "deflate64": zip_entry(b"a", 9, deflate64(ZEROS)),
    "brotli": tarred({"a.br": brotli.compress(ZEROS)}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_little_memory_unpacks_much(kind: str, tmp_path: Path) -> None:
    scan(tmp_path, [BOMBS[kind]])


def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    line = [b"x", *([b"z" * (1 << 20)] * 1024), b"y\n", b"x y\n"]
    found = scan(tmp_path, line)
    assert (found["lines"], found["byRule"]) == (2, {"x": 2, "both": 1})
    (part,) = found["incomplete"]
    assert part["reason"] == "MaxRecordBytes", "the end of that line was not matched"


def test_five_million_matches(tmp_path: Path) -> None:
    found = scan(tmp_path, (b"x y\n" * 100_000 for _ in range(50)))
    assert found["byRule"] == {"x": 5_000_000, "both": 5_000_000}
    assert len(found["samples"]) == 6


def test_a_thousand_patterns_that_backtrack_for_ever() -> None:
    forms = [r"(x+x+)+y{n}", r"(x|x)*y{n}", r"(.*)*y{n}z", r"(a?){30}a{30}y{n}"]
    linear = [Rule(name=f"r{n}", pattern=forms[n % 4].replace("{n}", str(n))) for n in range(996)]
    held = [Rule(name=f"h{n}", pattern=r"^(x|xx)+\1!?y9") for n in range(4)]
    fine = Rule(name="fine", pattern="ok")
    line = b"x" * 60 + b"!!" + b"y999 ok\n"
    found = count([*linear, *held, fine], chunks(line * 3, 4096))
    assert found.counts.by_rule[-1] == 3
    assert set(found.counts.incomplete) == set(range(996, 1000))


def test_a_rule_over_its_limit_is_named_and_the_others_finish() -> None:
    rules = [Rule(name="slow", pattern=r"^(x|xx)+\1!?z$"), Rule(name="quick", pattern=r"(o)k\b(?!!)")]
    line = b"x" * 60 + b"!!z\n!! ok\n"
    found = count(rules, chunks(line * 50, 1000))
    assert found.counts.incomplete == [0]
    assert found.counts.by_rule[1] == 50
