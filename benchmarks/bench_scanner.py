"""`make bench-scanner`: the scanner beside the newest ripgrep, in turns in the same run.

Whole processes, wall time; each ratio is the median of the ratios of single rounds (the peer's time by ours), then the
worst. ripgrep gives one count of lines for all patterns together; ours gives exact counts for each rule, the times of
matching lines, samples and a histogram. `rg -c` for each rule is the equal work: its counts must be ours.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import engine_rounds
import log_corpus
import peers
import psutil
import record_rounds
import s3_gateway
import yaml
from processes import Run, run
from rounds import HEAD, Rounds
from stored_logs import Log, same, stored

import logscan_engine as engine
from logscan_api.requests import ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.table import table_definition
from logscan_local.stack import aws
from logscan_local.stack.emulator import running
from logscan_scanner.reading.inputs import open_inputs

BUCKET, TABLE = "bench-logs", "bench-results"
BARS = {
    ("gzip", 8): "3x",
    ("gzip", 30): "3x",
    ("gzip", 100): "3x",
    ("zstd", 8): "1.3x",
    ("zstd", 30): "1.5x",
    ("zstd", 100): "1.5x",
    ("plain", 8): "1.2x",
    ("plain", 30): "2.5x",
    ("plain", 100): "1.5x",
}
FIELDS_BAR = "20x"


class Bench:
    """Files to scan, rules in both forms, and the rounds."""

    def __init__(self, folder: Path, rounds: int, old: str | None) -> None:
        self.folder, self.rounds, self.old = folder, rounds, old
        # As in the image: compiled Python, whatever this machine's environment says, and one heap.
        self.environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.environment["MALLOC_ARENA_MAX"] = "1"

    def made(self, size: int, kinds: list[str]) -> list[Log]:
        """Return a log of varied lines, stored in some ways."""
        plain = self.folder / f"app-{size // 1_000_000}.log"
        if not plain.exists():
            with plain.open("wb") as file:
                for block in log_corpus.lines(size, failing=0.14):
                    file.write(block)
        return [Log(kind, stored(kind, plain), kind) for kind in kinds]

    def repeated(self, source: Path, size: int) -> Log:
        """Return a log that is a real one, repeated to a size."""
        plain, data = self.folder / source.name, source.read_bytes()
        data = data if data.endswith(b"\n") else data + b"\n"
        with plain.open("wb") as file:
            for _ in range(-(-size // len(data))):
                file.write(data)
        return Log("plain", plain, source.name)

    def rules(self, found: list[Rule]) -> tuple[Path, Path]:
        """Return rules for ours and the same patterns for the peer."""
        ours, peer = self.folder / "rules.yaml", self.folder / "rules.txt"
        ours.write_text(yaml.safe_dump({"inline": [rule.wire() for rule in found]}))
        peer.write_text("".join(f"{log_corpus.for_ripgrep(rule)}\n" for rule in found))
        return ours, peer

    def scan(self, python: str, log: Log, rules: Path) -> Run:
        """Scan a file with the scanner of an environment."""
        command = [python, "-m", "logscan_scanner", "--file", str(log.path), "--rules", str(rules)]
        return run(command, self.environment)

    def compare(self, log: Log, found: list[Rule], bar: str, name: str = "") -> None:
        """Print a line of the table.

        Raises:
            RuntimeError: A count differs.
        """
        rules, patterns = self.rules(found)
        commands = {"rg": peers.together(log.kind, log.path, patterns)}
        if log.kind != "plain":
            commands["rg -z"] = peers.by_itself(log.path, patterns)
        took = Rounds(peers={peer: [] for peer in commands})
        for _ in range(self.rounds):
            took.ours.append(self.scan(sys.executable, log, rules))
            answer = json.loads(took.ours[-1].output)
            for peer, command in commands.items():
                took.peers[peer].append(run(["bash", "-c", command], self.environment))
                same(answer["matchedLines"], int(took.peers[peer][-1].output), f"lines, {peer}")
            if self.old:
                took.peers.setdefault("before", []).append(self.scan(self.old, log, rules))
        if log.kind == "plain" and not name:  # elsewhere it takes minutes and says more about what unpacks
            took.peers["each"] = [run(["bash", "-c", peers.each(log.path, patterns)], self.environment)]
            same(list(answer["byRule"].values()), [int(n) for n in took.peers["each"][0].output.split()], "by rule")
        share = answer["matchedLines"] / answer["lines"]
        print(took.row(f"{log.name}, {len(found)} rules{name}, {share:.0%} of lines match", bar), flush=True)

    def limits(self, logs: list[Log]) -> None:
        """Print what decompression alone and the engine alone take: no scanner of this design is faster than those."""
        for log in logs:
            begin = time.perf_counter()
            size = sum(len(chunk) for found in open_inputs(_chunks(log.path)) for chunk in found.chunks)
            took = time.perf_counter() - begin
            speed = f"{took:.2f} s, {size / took / 1e6:.0f} MB/s"
            print(f"| {log.kind}: read and decompressed alone | {speed} | | |", flush=True)
        with logs[0].path.open("rb") as file:
            engine_rounds.measure(file.read(engine_rounds.BYTES), self.rounds)

    def request(self, key: str, rules: Path, s3: str, endpoint: str) -> dict[str, str]:
        """Return the environment of a scan of an object."""
        document = {
            "scan": {"namespace": "n", "name": "s", "uid": uuid.uuid4().hex, "attempt": 1},
            "source": {"bucket": BUCKET, "key": key},
            "rules": yaml.safe_load(rules.read_text())["inline"],
            "limits": resolve_limits().wire(),
            "result": {"table": TABLE, "pk": uuid.uuid4().hex, "sk": "s"},
            "tokens": ["unsigned"],
        }
        ScanRequest.model_validate(document)  # or the scanner ends before it asks for anything
        more = {"LOGSCAN_REQUEST": json.dumps(document), "AWS_REGION": aws.REGION}
        more |= {"AWS_ENDPOINT_URL_S3": s3, "AWS_ENDPOINT_URL": endpoint, "LOGSCAN_TERMINATION_PATH": os.devnull}
        return {**self.environment, **aws.ADMINISTRATOR.environment(), **more}

    def from_s3(self, logs: list[Log]) -> None:
        """Print how long objects take beside the same files from disk: the whole path of a Job."""
        rules, _ = self.rules(log_corpus.rules(30))
        with running("bench") as emulator, s3_gateway.serving(self.folder / "s3") as endpoint:
            s3 = aws.client("s3", endpoint)
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
            aws.client("dynamodb", emulator.endpoint).create_table(**table_definition(TABLE))
            for log in logs:
                s3.upload_file(str(log.path), BUCKET, log.path.name)
                disk, stored = [], []
                for _ in range(self.rounds):
                    disk.append(self.scan(sys.executable, log, rules))
                    environment = self.request(log.path.name, rules, endpoint, emulator.endpoint)
                    stored.append(run([sys.executable, "-m", "logscan_scanner"], environment))
                ratios = [two.seconds / one.seconds for one, two in zip(disk, stored, strict=True)]
                cells = [f"{log.kind} from S3, 30 rules, time by that from disk"]
                seconds = statistics.median(run.seconds for run in stored)
                cells += [f"{seconds:.2f} s, {statistics.median(ratios):.2f}", "<= 1.15"]
                print(f"| {' | '.join(cells)} | {max(run.resident for run in stored):.0f} MiB |", flush=True)

    def start(self) -> None:
        """Print how long a scan takes until it asks S3 for something, with the chart's default rules.

        On one core: on two, rules are compiled beside the connection, which a pod with a CPU limit of one cannot do.
        """
        rules, _ = self.rules(log_corpus.default_rules())
        times, cores = [], psutil.Process().cpu_affinity()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(20)
            endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
            for _ in range(max(self.rounds, 11)):
                begin = time.perf_counter()
                process = subprocess.Popen(
                    [sys.executable, "-m", "logscan_scanner"],
                    env=self.request("x", rules, endpoint, endpoint),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                psutil.Process(process.pid).cpu_affinity(cores[:1])
                connection, _ = server.accept()
                connection.recv(1)
                times.append(time.perf_counter() - begin)
                connection.close()
                process.kill()
                process.wait()
        took = f"{statistics.median(times) * 1000:.0f} ms, {min(times) * 1000:.0f}-{max(times) * 1000:.0f}"
        print(f"| start to the first byte asked of S3, default rules, one core | {took} | <= 250 ms | |", flush=True)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(512 * 1024):
            yield chunk


def _table(headings: list[str]) -> None:
    print(f"\n| {' | '.join(headings)} |\n|{' --- |' * len(headings)}")


def _run(bench: Bench, options: argparse.Namespace) -> None:
    megabyte = 1_000_000
    plain = bench.made(options.plain_megabytes * megabyte, ["plain"])
    packed = bench.made(options.megabytes * megabyte, ["plain", "gzip", "zstd"])
    _table(HEAD)
    for log in [*plain, *packed[1:]]:
        for count in (8, 30, 100):
            bench.compare(log, log_corpus.rules(count), BARS[log.kind, count])
    # ripgrep takes minutes for a gigabyte of this.
    few = bench.made(min(options.megabytes, 300) * megabyte, ["plain"])[0]
    bench.compare(few, log_corpus.field_rules(100), FIELDS_BAR, " on fields")
    for path in options.log:
        bench.compare(bench.repeated(path, options.megabytes * megabyte), log_corpus.rules(100), "")
    _table(["what", "ours", "peer", "peer / ours, worst", "bar", "CPU ours, peer", "", "", "", "resident"])
    record_rounds.measure(bench, min(options.megabytes, 300) * megabyte)
    _table(["what", "measured", "bar", "resident"])
    bench.limits(packed)
    bench.start()
    bench.from_s3(packed)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plain-megabytes", type=int, default=2000, help="size of the plain log")
    parser.add_argument("--megabytes", type=int, default=600, help="size of the others, decompressed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--log", type=Path, action="append", default=[], help="a real log, repeated to that size too")
    parser.add_argument("--before", metavar="PYTHON", help="another version's environment, for a column of its own")
    options = parser.parse_args()
    missing = [tool for tool in ("cargo", "go", "jq", "zcat", "zstdcat", "gzip", "zstd") if not shutil.which(tool)]
    if missing:
        sys.exit(f"needed on PATH: {', '.join(missing)} (Rust: https://rustup.rs; Debian: apt-get install jq zstd)")
    print(
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GiB, Python {sys.version.split()[0]}, "
        f"PCRE2 {engine.pcre_version()}, ripgrep {peers.RIPGREP}; {options.plain_megabytes} MB plain, "
        f"{options.megabytes} MB compressed, {options.rounds} rounds"
    )
    with tempfile.TemporaryDirectory() as folder:
        _run(Bench(Path(folder), options.rounds, options.before), options)


if __name__ == "__main__":
    main()
