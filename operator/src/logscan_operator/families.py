"""LogScans of prefixes and the ones that work for them, and what follows from the one for the other.

Only what the status of a LogScan of a prefix names works for it. What it does not name was made by a process that ended
before it said so, or is counted already: in neither case may it run.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from logscan_operator.items import Key, Scan


class Families:
    """LogScans of prefixes that are unfinished, and all LogScans that work for one, by its uid."""

    def __init__(self, scans: Mapping[Key, Scan]) -> None:
        """Know nothing yet.

        Args:
            scans: All LogScans.
        """
        self._scans = scans
        self._unfinished: dict[Key, Scan] = {}
        self._children: defaultdict[str, dict[Key, Scan]] = defaultdict(dict)
        self._uids: set[str] = set()

    def change(self, old: Scan | None, new: Scan | None) -> None:
        """Take in that a LogScan has changed, is new, or is gone."""
        if old is not None:
            self._unfinished.pop(old.key, None)
        if new is not None and new.lists and not new.finished:
            self._unfinished[new.key] = new
        if old is not None and old.parent is not None:
            self._uids.discard(old.uid)
            self._children[old.parent.uid].pop(old.key, None)
            if not self._children[old.parent.uid]:
                del self._children[old.parent.uid]
        if new is not None and new.parent is not None:
            self._uids.add(new.uid)
            self._children[new.parent.uid][new.key] = new

    def parents(self) -> Iterator[Scan]:
        """Yield the LogScans of prefixes that are unfinished, and finished ones that others still work for."""
        yield from self._unfinished.values()
        for children in self._children.values():
            parent = self.parent(next(iter(children.values())))
            if parent is not None and parent.key not in self._unfinished:
                yield parent

    def children(self, parent: Scan) -> list[Scan]:
        """Return the LogScans that work for one, by name."""
        found = self._children.get(parent.uid, {})
        return [found[key] for key in sorted(found)]

    def works_for_another(self, uid: str) -> bool:
        """Return whether the LogScan of a uid works for one of a prefix."""
        return uid in self._uids

    def parent(self, scan: Scan) -> Scan | None:
        """Return the LogScan that one works for, if it is there."""
        if scan.parent is None:
            return None
        found = self._scans.get((scan.key[0], scan.parent.name))
        return found if found is not None and found.uid == scan.parent.uid else None

    def governed(self, scan: Scan) -> Scan | None:
        """Return a LogScan as it is to be planned, or None if nothing is to be planned for it.

        One that works for another is suspended together with that. One of a prefix gets no Job.
        """
        if scan.lists:
            return None
        if scan.parent is None:
            return scan
        parent = self.parent(scan)
        if parent is None or parent.spec is None or parent.finished or parent.deleting or parent.spec.cancel:
            return None
        if scan.key[1] not in named(parent):
            return None
        if scan.spec is not None and parent.spec.suspend:
            return replace(scan, spec=scan.spec.model_copy(update={"suspend": True}))
        return scan


def named(parent: Scan) -> set[str]:
    """Return the names of the LogScans that work for one, as its status has them."""
    listing = parent.status.listing
    return {child.name for child in (listing.children if listing else None) or []}
