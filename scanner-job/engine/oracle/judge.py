"""The judge: `LC_ALL=C grep -a -c -P`, one process for each expression and file."""

import os
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SECONDS = 20.0
# PCRE2's search for where a match may start errs in some versions (docs/rules.md): without it grep counts right.
NO_START_SEARCH = "(*NO_START_OPT)"
WHILE_MATCHING = (b"exceeded", b"recurse loop")  # in errors that are about a line, not about the expression
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}


def lines_as_records(data: bytes) -> bytes:
    r"""Return a text as the judge must see it: the engine's lines end in `\r\n` or `\n`, grep's in `\n` alone."""
    return data.replace(b"\r\n", b"\n")


def grep(pattern: str, path: Path) -> int | None:
    """Return how many lines of a file an expression matches; None where grep refuses it or gives up."""
    done = _run(pattern, path)
    return int(done.stdout) if done is not None and done.returncode in (0, 1) else None


def errs(pattern: str, path: Path, counted: int) -> bool:
    """Return whether grep counts so once it does not search for where a match may start."""
    return grep(NO_START_SEARCH + pattern, path) == counted


def refuses(pattern: str) -> bool:
    """Return whether grep refuses an expression: it says so without a line to match.

    It tries each on an empty line then too, and may exceed its limit of backtracking, or `SECONDS`.
    """
    done = _run(pattern, Path(os.devnull))
    return done is not None and done.returncode > 1 and not any(words in done.stderr for words in WHILE_MATCHING)


def _run(pattern: str, path: Path) -> "subprocess.CompletedProcess[bytes] | None":
    command = ["grep", "-a", "-c", "-P", "-e", pattern, str(path)]
    try:
        # Without closing descriptors the process is started by vfork, which takes half the time.
        return subprocess.run(
            command, capture_output=True, env=ENVIRONMENT, close_fds=False, check=False, timeout=SECONDS
        )
    except (subprocess.TimeoutExpired, ValueError):  # ValueError: a NUL byte in the expression
        return None


def version() -> str:
    """Return the first line of `grep --version`, and the version of PCRE2 that it has where it says so."""
    answer = subprocess.run(["grep", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()
    return ", ".join([answer[0], *(line for line in answer if line.startswith("grep -P uses"))])


class Judge:
    """Counts of one file, each asked of grep once.

    Attributes:
        asked: How many times grep ran.
    """

    def __init__(self, path: Path, data: bytes) -> None:
        r"""Write the text to a file at `path`, without the `\r` before each `\n`."""
        path.write_bytes(lines_as_records(data))
        self.asked = 0
        self._path = path
        self._known: dict[str, int | None] = {}

    def count(self, pattern: str) -> int | None:
        """Return grep's count of an expression, or None, see `grep`."""
        if pattern not in self._known:
            self.asked += 1
            self._known[pattern] = grep(pattern, self._path)
        return self._known[pattern]

    def errs(self, pattern: str, counted: int) -> bool:
        """Return whether it is grep that errs about an expression, see `errs`."""
        return errs(pattern, self._path, counted)

    def ask(self, patterns: Iterable[str], threads: int) -> None:
        """Ask for many expressions at once, so that `count` knows them."""
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self.count, dict.fromkeys(patterns)))
