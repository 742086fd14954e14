"""Packs beside lines that people have judged; grep says which lines their rules match."""

import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from logscan_api.packs import load_pack
from logscan_api.rules import Severity

HERE = Path(__file__).parent
LABELS = HERE / "loghub_labels.tsv"
# A folder with the `*_2k.log` of https://github.com/logpai/loghub, which this repository has no copy of.
LOGHUB = Path(os.environ.get("LOGSCAN_LOGHUB", HERE.parents[2] / "loghub"))


def found(packs: Sequence[str], lines: list[bytes]) -> dict[int, list[str]]:
    """Return the rules worse than information that match each line, by the line's number from 1."""
    matched: dict[int, list[str]] = {}
    for packed in (packed for pack in packs for packed in load_pack(pack).rules):
        if packed.rule.severity is Severity.INFO:
            continue
        assert packed.rule.pattern is not None
        numbers = set(_matching(packed.rule.pattern, lines))
        if packed.rule.exclude:
            numbers -= set(_matching(packed.rule.exclude, lines))
        for number in numbers:
            matched.setdefault(number, []).append(packed.rule.name)
    return matched


def _matching(pattern: str, lines: list[bytes]) -> Iterator[int]:
    command = ["grep", "-a", "-n", "-P", "-e", pattern]
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    text = b"\n".join(lines) + b"\n"
    answer = subprocess.run(command, input=text, capture_output=True, env=environment, check=False)
    assert answer.returncode < 2, answer.stderr
    yield from (int(line.split(b":", 1)[0]) for line in answer.stdout.splitlines())


def labels() -> dict[str, dict[int, tuple[str, str]]]:
    """Return what people judged: by file and line number, the line's hash and level."""
    judged: dict[str, dict[int, tuple[str, str]]] = {}
    for row in LABELS.read_text().splitlines():
        if not row.startswith("#"):
            file, number, digest, level = row.split("\t")
            judged.setdefault(file, {})[int(number)] = (digest, level)
    return judged


def test_harmless_lines_are_not_found() -> None:
    lines = (HERE / "harmless.log").read_bytes().splitlines()
    assert {lines[number - 1]: rules for number, rules in found(["levels"], lines).items()} == {}


# What would be named for such a log, beside `levels` for each of them.
PROGRAMS = {
    "Apache_2k.log": ["apache"],
    "HDFS_2k.log": ["java"],
    "Zookeeper_2k.log": ["java"],
    "OpenStack_2k.log": ["python"],
    "Linux_2k.log": ["syslog", "sshd", "kernel"],
}


@pytest.mark.parametrize(("file", "packs"), [*((file, ["levels"]) for file in labels()), *PROGRAMS.items()])
def test_what_people_call_an_error_or_a_warning_is_found(file: str, packs: list[str]) -> None:
    path = LOGHUB / file
    if not path.is_file():
        pytest.skip(f"no {path}; LOGSCAN_LOGHUB names the folder of loghub's logs")
    text, judged = path.read_bytes().split(b"\n"), labels()[file]
    lines = [text[number - 1].rstrip(b"\r") for number in judged]
    assert [hashlib.sha256(line).hexdigest()[:12] for line in lines] == [digest for digest, _ in judged.values()]
    bad = {place for place, (_, level) in enumerate(judged.values(), 1) if level != "none"}
    matched = set(found(packs, lines))
    assert len(bad & matched) >= 0.95 * len(bad)
    assert len(bad & matched) >= 0.95 * len(matched)
