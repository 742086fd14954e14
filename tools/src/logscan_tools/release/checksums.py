"""Checksums of the release's files, in the form of `sha256sum`."""

import hashlib
from pathlib import Path

from logscan_tools.errors import ToolError

SUMS = "SHA256SUMS"
# Signatures are made of the checksums.
NOT_LISTED = (SUMS, ".sigstore.json")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listed(folder: Path) -> dict[str, str]:
    """Return the checksums of all files of a release by their names, without those of signatures."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.endswith(NOT_LISTED))
    return {path.name: digest(path) for path in paths}


def write(folder: Path) -> Path:
    """Write the file with the checksums and return its path."""
    path = folder / SUMS
    path.write_text("".join(f"{value}  {name}\n" for name, value in listed(folder).items()), encoding="utf-8")
    return path


def check(folder: Path) -> int:
    """Compare the files of a folder with its checksums and return how many there are.

    Raises:
        ToolError: A file differs, is missing, or has no checksum; the message names it.
    """
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    wanted = {name: value for value, name in (line.split("  ", 1) for line in lines)}
    there = listed(folder)
    wrong = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if wrong:
        raise ToolError(f"not as {SUMS} says: {', '.join(wrong)}")
    return len(there)
