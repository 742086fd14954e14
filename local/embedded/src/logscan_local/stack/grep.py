"""An independent count of matching lines, by `grep -c -P`."""

import bz2
import gzip
import lzma
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from logscan_api.rules import Rule
from logscan_local.stack.errors import StackError
from logscan_local.stack.zstandard import zstd

# By the first bytes of a file, as file(1) recognizes them.
OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": zstd.open,
}


def count(rule: Rule, path: Path) -> int:
    """Return the number of lines in a file that a rule matches, according to grep.

    Raises:
        StackError: grep refuses the rule, or is not GNU grep, which has `-P`; or the rule is about fields.
    """
    if rule.pattern is None or rule.where is not None:
        raise StackError(f"rule {rule.name}: grep reads no fields of JSON")
    flags = ["-i"] if rule.ignore_case else []
    if rule.exclude is None:
        return _counted(rule, _grep("-c", *flags, "-e", rule.pattern, str(path)))
    # Through a pipe, since the matching lines of a large file are large too.
    matching = _grep(*flags, "-e", rule.pattern, str(path))
    counting = _grep("-c", "-v", *flags, "-e", rule.exclude, "-", stdin=matching.stdout)
    if matching.stdout:
        matching.stdout.close()
    return _counted(rule, matching, counting)


def uncompressed(source: Path, target: Path) -> Path:
    """Return an uncompressed copy of a file (gzip, bzip2, xz, zstd), or the file itself if it is not compressed.

    Args:
        source: The file.
        target: The path of the copy.

    Raises:
        StackError: It is damaged.
    """
    with source.open("rb") as file:
        start = file.read(8)
    opener = next((opener for magic, opener in OPENERS.items() if start.startswith(magic)), None)
    if opener is None:
        return source
    try:
        with opener(source) as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out)
    except (OSError, EOFError, lzma.LZMAError, zstd.ZstdError, ValueError) as error:
        raise StackError(f"{source.name} cannot be decompressed: {error}") from error
    return target


def _grep(*arguments: str, stdin: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["grep", "-a", "-P", *arguments],
        stdin=stdin if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": _PATH},
    )


def _counted(rule: Rule, *processes: subprocess.Popen[bytes]) -> int:
    """Return the number that the last grep of a pipe prints; 1 means that it is 0 (POSIX, grep, "Exit status")."""
    number, problems = b"", []
    for process in processes[::-1]:
        with process:
            output, problem = process.communicate()
        number = number or output
        if process.returncode > 1:
            problems.append(problem.decode(errors="replace").strip())
    if problems:
        raise StackError(f"rule {rule.name}: {'; '.join(problems)}")
    return int(number)


_PATH = "/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin"
