"""Release notes: the section of the changelog that belongs to a version."""

import re

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

CHANGELOG = REPOSITORY / "CHANGELOG.md"
UNRELEASED = "Unreleased"


def notes(changelog: str, title: str, base: str) -> str:
    """Return the section with a title, such as `1.2.0`, without its heading.

    Args:
        changelog: The whole changelog.
        title: The version, or `Unreleased`. A date may follow it in the heading.
        base: The address of the repository's files at this version, to which relative links are made absolute.

    Raises:
        ToolError: There is no such section, or it is empty.
    """
    heading = rf"^## \[?{re.escape(title)}\]?(?: [^\n]*)?$"
    found = re.search(rf"{heading}\n(.*?)(?=^## \[?(?:\d|{UNRELEASED})|\Z)", changelog, re.MULTILINE | re.DOTALL)
    body = found[1].strip() if found else ""
    if not body:
        raise ToolError(f"CHANGELOG.md has no section ## {title} with entries")
    return re.sub(r"\]\((?!\w+:|#)", f"]({base.rstrip('/')}/", body) + "\n"
