"""Files that follow from the code: written again, or compared with what they should be."""

import sys
from collections.abc import Mapping
from pathlib import Path


def settle(wanted: Mapping[Path, str], check: bool) -> int:
    """Write the files that differ, or with `check` only report them; return the exit code of the program.

    Args:
        wanted: What each file should hold.
        check: Whether to write nothing and end with 1 if a file differs.
    """
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        sys.stderr.write(f"out of date: {', '.join(map(str, stale))}: run `make generate` and commit the result\n")
        return 1
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0
