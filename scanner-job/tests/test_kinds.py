"""Each kind of log that was once read wrong, read right: as `--file` shows it."""

import json
from pathlib import Path

import pytest
from kinds import DOCUMENTS, EXPRESSIONS, NO_LOGS, STORED, TEXTS, Kind

from logscan_scanner.errors import ScanError
from logscan_scanner.localfile import scan_file

READ = {**TEXTS, **STORED, **DOCUMENTS, **EXPRESSIONS}
OF_PACKS = [line.split("\t") for line in Path(__file__).with_name("kinds_of_packs.tsv").read_text().splitlines()]


def scanned(content: bytes, rules: dict[str, object], folder: Path) -> dict[str, object]:
    """Return what a scan of a file finds."""
    (folder / "log").write_bytes(content)
    (folder / "rules.yaml").write_text(json.dumps(rules))
    return scan_file(str(folder / "log"), str(folder / "rules.yaml"))


@pytest.mark.parametrize("kind", READ.values(), ids=READ)
def test_what_a_person_reads_is_found(kind: Kind, tmp_path: Path) -> None:
    result = scanned(kind.content, kind.rules, tmp_path)
    assert result["lines"] == kind.lines
    counts = result["byRule"]
    assert isinstance(counts, dict)
    assert {rule: counts[rule] for rule in kind.counts} == kind.counts
    samples = json.dumps(result["samples"], ensure_ascii=False).replace('\\"', '"')
    assert kind.shows in samples
    assert kind.hides not in samples
    incomplete = result["incomplete"]
    assert isinstance(incomplete, list)
    assert [part["reason"] for part in incomplete] == kind.incomplete
    if kind.first:
        assert result["firstMatch"] == kind.first


@pytest.mark.parametrize("kind", NO_LOGS.values(), ids=NO_LOGS)
def test_what_is_no_log_is_not_called_clean(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=f"looks like .*{kind.unsupported}"):
        scanned(kind.content, kind.rules, tmp_path)


@pytest.mark.parametrize(("pack", "rule", "line"), OF_PACKS)
def test_a_pack_finds_what_it_is_for(pack: str, rule: str, line: str, tmp_path: Path) -> None:
    result = scanned(line.encode() + b"\n", {"packs": [pack]}, tmp_path)
    counts = result["byRule"]
    assert isinstance(counts, dict)
    assert counts[rule.removeprefix("!")] == (0 if rule.startswith("!") else 1)
