"""For which LogScan of a prefix another LogScan works, as its metadata says."""

from dataclasses import dataclass
from typing import Any, Self

PAGE_LABEL = "logscan.dev/page"


@dataclass(frozen=True)
class Parent:
    """The LogScan of a prefix that another one works for.

    Attributes:
        name: Its name.
        uid: Its uid.
        page: The number of the page whose objects the other one scans.
    """

    name: str
    uid: str
    page: int

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> Self | None:
        """Return whom a LogScan works for: it has the number of a page, and a LogScan controls it."""
        page = (metadata.get("labels") or {}).get(PAGE_LABEL, "")
        owners = [owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")]
        if not owners or owners[0]["kind"] != "LogScan" or not (page.isascii() and page.isdecimal()):
            return None
        return cls(owners[0]["name"], owners[0]["uid"], int(page))
