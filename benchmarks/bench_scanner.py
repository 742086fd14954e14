"""`make bench-scanner`: the scanner beside `zcat | rg`, `zstdcat | rg` and `rg`, in turns in the same run.

Whole processes, wall time; each ratio is the median of the ratios of single rounds (the peer's time by ours). The
peers give one count of lines for all patterns together; ours gives exact counts for each rule, the times of matching
lines, samples and a histogram.
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

import log_corpus
import psutil
import yaml

import logscan_engine as engine
from logscan_api.requests import resolve_limits
from logscan_api.results import table_definition
from logscan_local import aws
from logscan_local.emulator import running
from logscan_local.paths import cache_root
from logscan_scanner.inputs import open_inputs
from logscan_scanner.rules import compile_for_scan

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
ENGINE_BARS = {"8": "1,800 MB/s", "30": "1,000 MB/s", "100": "550 MB/s"}
ENGINE_BYTES = 100_000_000
RIPGREP = "15.2.0"  # the newest release; Debian's 13 is several times slower with few literals
PEERS = {
    "plain": "{rg} -a --no-unicode -c -f {rules} {log}",
    "gzip": "zcat {log} | {rg} -a --no-unicode -c -f {rules}",
    "zstd": "zstdcat {log} | {rg} -a --no-unicode -c -f {rules}",
}


def ripgrep() -> Path:
    """Return ripgrep, built by cargo into the cache folder the first time (about two minutes)."""
    folder = cache_root() / f"ripgrep-{RIPGREP}"
    program = folder / "bin" / "rg"
    if not program.exists():
        command = [
            "cargo",
            "install",
            "ripgrep",
            "--version",
            f"={RIPGREP}",
            "--locked",
            "--quiet",
            "--root",
            str(folder),
        ]
        subprocess.run(command, check=True)
    return program


class Bench:
    """Files to scan, rules in both forms, and the rounds."""

    def __init__(self, folder: Path, size: int, rounds: int) -> None:
        self.folder, self.rounds, self.rg = folder, rounds, ripgrep()
        self.logs = self._logs(size)
        # Compiled Python as in the image, whatever this machine's environment says.
        self.environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def _logs(self, size: int) -> dict[str, Path]:
        plain = self.folder / "app.log"
        with plain.open("wb") as file:
            for block in log_corpus.lines(size, failing=0.14):
                file.write(block)
        subprocess.run(["gzip", "-k", str(plain)], check=True)
        subprocess.run(["zstd", "-q", "-k", str(plain)], check=True)
        return {"plain": plain, "gzip": self.folder / "app.log.gz", "zstd": self.folder / "app.log.zst"}

    def rules(self, count: int, fields: bool = False) -> tuple[Path, Path]:
        """Return rules for ours and the same patterns for the peer."""
        found = log_corpus.field_rules(count) if fields else log_corpus.rules(count)
        ours, peer = self.folder / f"rules-{count}.yaml", self.folder / f"rules-{count}.txt"
        ours.write_text(yaml.safe_dump({"inline": [rule.wire() for rule in found[:100]]}))
        peer.write_text("".join(f"{log_corpus.for_ripgrep(rule)}\n" for rule in found))
        return ours, peer

    def ours(self, log: Path, rules: Path) -> tuple[float, dict[str, object], float]:
        """Return seconds, output and the most resident MiB of one scan of a file."""
        command = [sys.executable, "-m", "logscan_scanner", "--file", str(log), "--rules", str(rules)]
        answer = self.folder / "answer.json"
        with answer.open("wb") as file:
            begin = time.perf_counter()
            process = subprocess.Popen(command, env=self.environment, stdout=file)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"the scanner ended with {process.returncode}")
        return seconds, json.loads(answer.read_text()), usage.ru_maxrss / 1024

    def peer(self, command: str) -> tuple[float, int]:
        """Return seconds and count of the peer."""
        begin = time.perf_counter()
        answer = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
        return time.perf_counter() - begin, int(answer.stdout)

    def compare(self, kind: str, count: int, fields: bool = False) -> None:
        """Print a line of the table."""
        log, (rules, patterns) = self.logs[kind], self.rules(count, fields)
        command = PEERS[kind].format(rg=self.rg, rules=patterns, log=log)
        ours, peers, ratios, memory = [], [], [], 0.0
        for _ in range(self.rounds):
            seconds, found, resident = self.ours(log, rules)
            peer, lines = self.peer(command)
            if found["matchedLines"] != lines:
                raise RuntimeError(f"ours found {found['matchedLines']} lines, rg {lines}")
            ours.append(seconds)
            peers.append(peer)
            ratios.append(peer / seconds)
            memory = max(memory, resident)
        share = int(str(found["matchedLines"])) / int(str(found["lines"]))
        figures = f"{statistics.median(ours):.2f} s | {statistics.median(peers):.2f} s"
        bar = "20x" if fields else BARS[kind, count]
        ratio = f"{statistics.median(ratios):.2f}x, {min(ratios):.2f}-{max(ratios):.2f} | {bar} | {memory:.0f} MiB"
        name = f"{kind}, {count} rules{' on fields' if fields else ''}, {share:.0%} of lines match"
        print(f"| {name} | {figures} | {ratio} |", flush=True)

    def limits(self) -> None:
        """Print what decompression alone and the engine alone take: no scanner of this design is faster than those."""
        for kind, log in self.logs.items():
            begin = time.perf_counter()
            size = sum(len(chunk) for found in open_inputs(_chunks(log)) for chunk in found.chunks)
            took = time.perf_counter() - begin
            print(
                f"| {kind}: read and decompressed alone | {took:.2f} s, {size / took / 1e6:.0f} MB/s | | |", flush=True
            )
        with self.logs["plain"].open("rb") as file:
            text = file.read(ENGINE_BYTES)
        for name, rules in [(str(n), log_corpus.rules(n)) for n in (8, 30, 100)] + [
            ("100 on fields", log_corpus.field_rules(100))
        ]:
            ruleset = compile_for_scan(rules)
            speeds = []
            for _ in range(self.rounds):
                begin = time.process_time()
                engine.count(ruleset, text)
                speeds.append(len(text) / (time.process_time() - begin) / 1e6)
            bar = ENGINE_BARS.get(name, "")
            figures = f"{statistics.median(speeds):.0f} MB/s of CPU time, at worst {min(speeds):.0f}"
            print(f"| engine alone with times, {name} rules, one thread | {figures} | {bar} | |", flush=True)

    def request(self, key: str, rules: Path, endpoint: str) -> dict[str, str]:
        """Return the environment of a scan of an object."""
        document = {
            "scan": {"namespace": "n", "name": "s", "uid": uuid.uuid4().hex, "attempt": 1},
            "source": {"bucket": BUCKET, "key": key},
            "rules": yaml.safe_load(rules.read_text())["inline"],
            "limits": resolve_limits().wire(),
            "result": {"table": TABLE, "pk": uuid.uuid4().hex, "sk": "s"},
        }
        more = {"LOGSCAN_REQUEST": json.dumps(document), "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": aws.REGION}
        return {**self.environment, **aws.ADMINISTRATOR.environment(), **more, "LOGSCAN_TERMINATION_PATH": os.devnull}

    def from_s3(self) -> None:
        """Print how long objects take beside the same files from disk."""
        with running("bench") as emulator:
            endpoint = emulator.endpoint
            s3 = aws.client("s3", endpoint)
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
            aws.client("dynamodb", endpoint).create_table(**table_definition(TABLE))
            rules, _ = self.rules(30)
            for kind, log in self.logs.items():
                s3.upload_file(str(log), BUCKET, log.name)
                ratios, memory = [], 0.0
                for _ in range(self.rounds):
                    disk, _, _ = self.ours(log, rules)
                    begin = time.perf_counter()
                    process = subprocess.Popen(
                        [sys.executable, "-m", "logscan_scanner"],
                        env=self.request(log.name, rules, endpoint),
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                    _, status, usage = os.wait4(process.pid, 0)
                    process.returncode = os.waitstatus_to_exitcode(status)
                    if process.returncode:
                        raise RuntimeError(f"the scanner ended with {process.returncode}")
                    ratios.append((time.perf_counter() - begin) / disk)
                    memory = max(memory, usage.ru_maxrss / 1024)
                print(
                    f"| {kind} from S3, 30 rules, time by that from disk | {statistics.median(ratios):.2f} | <= 1.15 | "
                    f"{memory:.0f} MiB |",
                    flush=True,
                )

    def start(self) -> None:
        """Print how long a scan takes until it asks S3 for something."""
        rules, _ = self.rules(30)
        times = []
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(self.rounds):
                begin = time.perf_counter()
                process = subprocess.Popen(
                    [sys.executable, "-m", "logscan_scanner"],
                    env=self.request("x", rules, f"http://127.0.0.1:{server.getsockname()[1]}"),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                connection, _ = server.accept()
                connection.recv(1)
                times.append(time.perf_counter() - begin)
                connection.close()
                process.kill()
                process.wait()
        took = f"{statistics.median(times) * 1000:.0f} ms"
        print(f"| start to the first byte asked of S3, 30 rules | {took} | <= 250 ms | |", flush=True)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(512 * 1024):
            yield chunk


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=600, help="size of the log, decompressed")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    missing = [tool for tool in ("cargo", "zcat", "zstdcat", "gzip", "zstd") if not shutil.which(tool)]
    if missing:
        sys.exit(f"needed on PATH: {', '.join(missing)} (Rust: https://rustup.rs; Debian: apt-get install zstd)")
    print(
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GiB, Python {sys.version.split()[0]}, "
        f"PCRE2 {engine.pcre_version()}, {options.megabytes} MB of lines\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.megabytes * 1_000_000, options.rounds)
        print("| what | ours | peer | ratio | bar | resident |\n| --- | --- | --- | --- | --- | --- |")
        for kind in PEERS:
            for count in (8, 30, 100):
                bench.compare(kind, count)
        bench.compare("plain", 100, fields=True)
        print("\n| what | measured | bar | resident |\n| --- | --- | --- | --- |")
        bench.limits()
        bench.start()
        bench.from_s3()


if __name__ == "__main__":
    main()
