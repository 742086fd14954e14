"""Logs whose records are not lines, beside the same records as lines, and beside jq and ripgrep."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import log_corpus
import peers
import record_corpus
from processes import run
from rounds import Rounds
from stored_logs import Log, same, stored

from logscan_api.packs import load_pack
from logscan_api.rules import Rule

if TYPE_CHECKING:
    from bench_scanner import Bench

JQ_BAR, JQ_ROUNDS = "10x", 3  # jq takes a minute for each
# A name, the fields of a rule, the same for jq and, as the log is written, for ripgrep, and by how much jq is slower.
FIELDS = (
    (
        "a level and a status",
        {"level": ["error", "fatal"], "http.status": ">=500"},
        '(.level == "error" or .level == "fatal") and .http.status >= 500',
        r'"level":"(?:error|fatal)".*"status":5\d\d\b',
        "10x",
    ),
    ("a status", {"http.status": ">=500"}, ".http.status >= 500", r'"status":5\d\d\b', "10x"),
)
BARS = {"CloudTrail": "0.8x", "Docker": "0.7x", "CRI": "0.7x"}


def measure(bench: "Bench", size: int) -> None:
    """Print lines of the table, for logs of so many bytes."""
    _cloudtrail(bench, size)
    _fields(bench, size)
    rules, _ = bench.rules(log_corpus.rules(30))
    text = b"".join(log_corpus.lines(size, failing=0.14))
    plain = bench.folder / "program.log"
    plain.write_bytes(text)
    for name, wrap in record_corpus.ENVELOPES.items():
        wrapped = bench.folder / f"{name}.log"
        wrapped.write_bytes(b"".join(map(wrap, text.splitlines())))
        _beside(bench, f"{name}, 30 rules", Log("plain", wrapped, name), Log("plain", plain, "lines"), rules)


def _cloudtrail(bench: "Bench", size: int) -> None:
    rules, patterns = bench.rules([one.rule for one in load_pack("aws-cloudtrail").rules if one.rule.pattern])
    document, lines = bench.folder / "cloudtrail.json", bench.folder / "cloudtrail.jsonl"
    events = list(record_corpus.cloudtrail(size))
    document.write_bytes(b'{"Records":[' + b",".join(events) + b"]}")
    lines.write_bytes(b"".join(event + b"\n" for event in events))
    log = Log("gzip", stored("gzip", document), "CloudTrail")
    _beside(bench, "CloudTrail, gzip", log, Log("gzip", stored("gzip", lines), "lines"), rules)
    took = Rounds(peers={"rg": []})
    for _ in range(min(bench.rounds, JQ_ROUNDS)):
        took.ours.append(bench.scan(sys.executable, log, rules))
        took.peers["rg"].append(run(["bash", "-c", peers.flattened(log.path, patterns)], bench.environment))
        found, counted = json.loads(took.ours[-1].output), int(took.peers["rg"][-1].output)
        same((found["matchedLines"], found["lines"]), (counted, len(events)), "events")
    print(took.row("CloudTrail, gzip, beside zcat, jq and rg", JQ_BAR), flush=True)


def _fields(bench: "Bench", size: int) -> None:
    log = Log("plain", bench.folder / "service.log", "JSON lines")
    log.path.write_bytes(b"".join(record_corpus.service(size)))
    for name, where, condition, pattern, bar in FIELDS:
        rules, _ = bench.rules([Rule.model_validate({"name": "fields", "where": where})])
        commands = {
            "jq": ["bash", "-c", peers.selected(log.path, condition)],
            "rg": [str(peers.ripgrep()), "-a", "--no-unicode", "-c", pattern, str(log.path)],
        }
        for peer, command in commands.items():
            took = Rounds(peers={"rg": []})
            for _ in range(min(bench.rounds, JQ_ROUNDS)):
                took.ours.append(bench.scan(sys.executable, log, rules))
                took.peers["rg"].append(run(command, bench.environment))
                found, counted = json.loads(took.ours[-1].output), int(took.peers["rg"][-1].output)
                same(found["matchedLines"], counted, name)
            print(took.row(f"JSON lines, {name}, beside {peer}", bar if peer == "jq" else "-"), flush=True)


def _beside(bench: "Bench", name: str, records: Log, lines: Log, rules: Path) -> None:
    took = Rounds(peers={"rg": []})
    for _ in range(bench.rounds):
        took.ours.append(bench.scan(sys.executable, records, rules))
        took.peers["rg"].append(bench.scan(sys.executable, lines, rules))
        found, wanted = (json.loads(ran.output) for ran in (took.ours[-1], took.peers["rg"][-1]))
        same(found["byRule"], wanted["byRule"], name)
    print(took.row(f"{name}, beside the same as lines", BARS[records.name]), flush=True)
