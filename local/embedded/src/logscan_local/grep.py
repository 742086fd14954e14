"""An independent count: what `grep -c -P` says of a rule and a file."""

import gzip
import subprocess
import sys
from pathlib import Path

from logscan_api.rules import Rule
from logscan_local.errors import StackError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def count(rule: Rule, path: Path) -> int:
    """Return how many lines of a file a rule matches, according to grep.

    Raises:
        StackError: This machine's grep knows no `-P` (it is GNU grep's), or refuses the rule.
    """
    flags = ["-i"] if rule.ignore_case else []
    if rule.exclude is None:
        return _count(["grep", "-a", "-c", "-P", *flags, "-e", rule.pattern, str(path)])
    matching = _run(["grep", "-a", "-P", *flags, "-e", rule.pattern, str(path)])
    return _count(["grep", "-a", "-c", "-v", "-P", *flags, "-e", rule.exclude, "-"], matching)


def uncompressed(data: bytes) -> bytes:
    """Return the content of a file that may be gzip or zstd."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return zstd.decompress(data)
    return data


def _count(command: list[str], stdin: bytes = b"") -> int:
    return int(_run(command, stdin))


def _run(command: list[str], stdin: bytes = b"") -> bytes:
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, env={"LC_ALL": "C", "PATH": _PATH})
    if done.returncode > 1:
        raise StackError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


_PATH = "/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin"
