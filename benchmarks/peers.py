"""What the scanner is measured beside: the newest ripgrep, and a download with zgrep."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from logscan_api.rules import Rule
from logscan_tools.paths import cache_root

RIPGREP = "15.2.0"  # the newest on crates.io; Debian's 13 is several times slower with few literals
COUNT = "-a --no-unicode --crlf -c"  # bytes and ASCII classes as ours, and lines that may end in \r\n
UNPACK = {"plain": "", "gzip": "zcat {log} | ", "zstd": "zstdcat {log} | "}


def ripgrep() -> Path:
    """Return ripgrep, built by cargo into the cache folder the first time (about two minutes)."""
    folder = cache_root() / f"ripgrep-{RIPGREP}"
    program = folder / "bin" / "rg"
    if not program.exists():
        if not shutil.which("cargo"):
            sys.exit("needed on PATH: cargo, to build ripgrep (https://rustup.rs)")
        options = ["--version", f"={RIPGREP}", "--locked", "--quiet", "--root", str(folder)]
        subprocess.run(["cargo", "install", "ripgrep", *options], check=True)
    return program


def together(kind: str, log: Path, patterns: Path) -> str:
    """Return a command that prints one count of lines for all patterns, with what unpacks the log before it."""
    file = "" if UNPACK[kind] else f" {log}"
    return f"{UNPACK[kind].format(log=log)}{ripgrep()} {COUNT} -f {patterns}{file}"


def flattened(log: Path, patterns: Path) -> str:
    """Return a command that prints how many records of CloudTrail match, each put on a line of its own first."""
    return f"zcat {log} | jq -c '.Records[]' | {ripgrep()} {COUNT} -f {patterns}"


def selected(log: Path, condition: str) -> str:
    """Return a command that prints how many JSON documents of a log fulfil a condition of jq."""
    return f"jq -c 'select({condition})' {log} | wc -l"


def by_itself(log: Path, patterns: Path) -> str:
    """Return the same without a pipe: ripgrep unpacks the log."""
    return f"{ripgrep()} -z {COUNT} -f {patterns} {log}"


def each(log: Path, patterns: Path) -> str:
    """Return a command that prints a count for each pattern: a plain log is read once for each."""
    once = f'{ripgrep()} {COUNT} --include-zero -e "$pattern" {log}'
    return f"while IFS= read -r pattern; do {once} || [ $? = 1 ] || exit 2; done < {patterns}"  # 1: nothing matches


def download(
    bucket: str, keys: Iterable[str], folder: Path, environment: Mapping[str, str], prefix: Sequence[str] = ()
) -> None:
    """Download some objects of a bucket into a folder, by the AWS CLI.

    Args:
        bucket: The bucket.
        keys: The objects.
        folder: Where they go, under their keys.
        environment: With credentials, region and endpoint.
        prefix: What the command begins with, such as `taskset`.
    """
    command = [*prefix, "aws", "s3", "sync", "--quiet", f"s3://{bucket}/", str(folder), "--exclude", "*"]
    for key in keys:
        command += ["--include", key]
    subprocess.run(command, env=environment, check=True)


def zgrep(rule: Rule, files: Iterable[Path], prefix: Sequence[str] = ()) -> int:
    """Return how many lines of files a rule matches, as zgrep counts them."""
    case = ["-i"] if rule.ignore_case else []
    command = [*prefix, "zgrep", "-h", "-a", "-c", "-P", *case, "-e", str(rule.pattern), *map(str, files)]
    return sum(map(int, subprocess.run(command, capture_output=True, check=False).stdout.split()))
