"""Globs over bucket names and keys: `*` within a path segment, `**` across, `?` one character."""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def compile_glob(glob: str) -> re.Pattern[str]:
    """Return the regular expression of a glob, for `fullmatch`.

    `**/` also matches nothing, so that `**/app.log` takes `app.log` itself.
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts), re.DOTALL)


def matches(globs: list[str], text: str) -> bool:
    """Return whether any of the globs takes the whole text."""
    return any(compile_glob(glob).fullmatch(text) for glob in globs)
