"""What is made of the keys under a prefix: pages, each cut into the parts that one LogScan scans. Pure.

A page is a run of keys, from one cursor to the next. The objects of a part are under the same LogScanPolicies, which
are chosen for each key, never for the prefix.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from logscan_api.globs import matches
from logscan_api.logscans import LogScanSpec
from logscan_api.policies import LogScanPolicySpec, PolicyAction, matching
from logscan_api.sources import S3Object, S3Source
from logscan_operator.gathering import Bounds, Gathering
from logscan_operator.resolving import applying

PAGE_OBJECTS = 500
PAGE_BYTES = 2 << 30
PARALLELISM = 5
PAGE_PARTS = 5  # policies that share a page: as many LogScans may be named beyond `parallelism`, less one
PAGE_KEYS = 100_000  # after so many a page with any object ends: what a kill makes the operator list again has a bound
CLOCKS_DIFFER = timedelta(minutes=1)

Policies = Mapping[str, LogScanPolicySpec]
Group = tuple[str | None, ...]


class Listed(NamedTuple):
    """An entry of a listing.

    Attributes:
        key: The object's key.
        size: Its size in bytes.
        modified: When it was written.
        place: Where the listing goes on after it, if not by its key.
        readable: Whether it names an object at all; a row of an inventory may not.
    """

    key: str
    size: int
    modified: datetime
    place: str | None = None
    readable: bool = True

    @property
    def cursor(self) -> str:
        """Return where the listing goes on after it."""
        return self.key if self.place is None else self.place


class Part:
    """Objects that one LogScan scans."""

    def __init__(self, source: S3Source) -> None:
        """Begin with none.

        Args:
            source: The prefix, which says how many objects there may be.
        """
        most = source.page_bytes.bytes if source.page_bytes is not None else PAGE_BYTES
        self._gathering = Gathering(Bounds(source.page_objects or PAGE_OBJECTS, most))

    @property
    def objects(self) -> list[S3Object]:
        """Return the objects, by key."""
        return self._gathering.objects

    @property
    def bytes(self) -> int:
        """Return the size of the objects together."""
        return sum(found.size or 0 for found in self.objects)

    def __contains__(self, key: str) -> bool:
        """Return whether an object is among them."""
        return key in self._gathering

    def add(self, entry: Listed) -> bool:
        """Take an object in if it fits; return whether it did.

        The version is not fixed: a backfill takes hours, and what is overwritten meanwhile shall not fail.
        """
        return self._gathering.add(S3Object(key=entry.key, size=entry.size))


@dataclass
class Page:
    """A run of listed keys, and what is to be done with them.

    Attributes:
        after: The cursor before the first, or None at the beginning.
        through: The cursor after the last.
        complete: Whether no key follows that is asked for.
        capped: Whether `maxObjects` ended the listing.
        keys: How many keys there are.
        to_scan: How many objects are to be scanned.
        parts: These objects, by the policies that they are under.
        unmatched: How many objects are asked for that no policy matches.
        ignored: How many objects are asked for that a policy says to ignore.
        unreadable: How many of the keys are none: rows of an inventory that cannot be read.
    """

    after: str | None
    through: str | None = None
    complete: bool = False
    capped: bool = False
    keys: int = 0
    to_scan: int = 0
    parts: dict[Group, Part] = field(default_factory=dict)
    unmatched: int = 0
    ignored: int = 0
    unreadable: int = 0

    @property
    def objects(self) -> int:
        """Return how many objects are asked for."""
        return self.to_scan + self.skipped

    @property
    def skipped(self) -> int:
        """Return how many objects are asked for and not scanned."""
        return self.unmatched + self.ignored

    @property
    def bytes(self) -> int:
        """Return the size of the objects to scan."""
        return sum(part.bytes for part in self.parts.values())


class Pager:
    """Fills one page after the other with the entries of a listing, in their order."""

    def __init__(self, spec: LogScanSpec, policies: Policies, began: datetime, after: str | None, room: int | None):
        """Begin with an empty page.

        Args:
            spec: The spec of the LogScan of the prefix.
            policies: The LogScanPolicies of its namespace.
            began: When the scan began.
            after: The cursor.
            room: How many more objects may be asked for, if there is a limit.
        """
        self._spec = spec
        self._source = spec.source.s3
        self._policies = policies
        self._wanted = wanted(self._source, began)
        self._room = room
        self.page = Page(after)

    def take(self, entry: Listed) -> bool:
        """Take an entry in; return False if the page is full without it."""
        page = self.page
        if page.keys >= PAGE_KEYS and page.parts:
            return False
        if not entry.readable:
            page.unreadable += 1
            return self._count(entry)
        if not self._wanted(entry):
            return self._count(entry)
        if self._room is not None and page.objects >= self._room:
            page.capped = page.complete = True
            return False
        names = matching(self._policies, self._source.bucket, entry.key)
        if names and self._policies[names[0]].action is PolicyAction.IGNORE:
            page.ignored += 1
            return self._count(entry)
        if not names and self._spec.rules is None:
            page.unmatched += 1
            return self._count(entry)
        return self._add(entry, tuple(applying(names, self._spec, self._policies)))

    def _add(self, entry: Listed, group: Group) -> bool:
        parts = self.page.parts
        if group not in parts and len(parts) >= PAGE_PARTS:
            return False
        part = parts.get(group) or Part(self._source)
        if entry.key in part:
            return self._count(entry)  # an inventory, which may be of a bucket in use, has named it before
        if not part.add(entry):
            return False
        parts[group] = part
        self.page.to_scan += 1
        return self._count(entry)

    def _count(self, entry: Listed) -> bool:
        self.page.keys += 1
        self.page.through = entry.cursor
        return True


def wanted(source: S3Source, began: datetime) -> Callable[[Listed], bool]:
    """Return what tells whether an entry of a listing is asked for; folders and empty objects never are.

    Args:
        source: The prefix, and what is asked for under it.
        began: When the scan began. What is written later is none of its business, so that it has an end; S3's clock
            may differ a little from the operator's.
    """
    until = source.modified_before or began + CLOCKS_DIFFER
    after, include, exclude = source.modified_after, source.include, source.exclude

    def wants(entry: Listed) -> bool:
        if not entry.size or entry.key.endswith("/") or entry.modified >= until:
            return False
        if after is not None and entry.modified < after:
            return False
        if include is not None and not matches(include, entry.key):
            return False
        return not (exclude and matches(exclude, entry.key))

    return wants
