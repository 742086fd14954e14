"""What the operator knows of the cluster: LogScans, their Jobs, policies and rule sets.

Watches and lists feed it, and so do the operator's own writes before a watch echoes them. Objects carry the
resourceVersion of their last change; an older one never replaces a newer one (Kubernetes documentation, "Resource
versions": they are comparable numbers).
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from logscan_api.policies import LogScanPolicySpec
from logscan_api.statuses import Phase
from logscan_operator.ages import WatchAges
from logscan_operator.contents import Contents
from logscan_operator.families import Families
from logscan_operator.items import Key, Object, Policy, RuleSet, Scan, key_of
from logscan_operator.namespaces import Namespaces
from logscan_operator.scanjobs import ForeignJobError, ScanJob, own_job
from logscan_operator.versions import Versions, is_as_new

WHY_LENGTH = 512

log = logging.getLogger("logscan.view")


@dataclass(frozen=True)
class Unreadable:
    """An object of the cluster that is left out.

    Attributes:
        key: Namespace and name.
        uid: Its uid.
        kind: What it is.
        why: Why it is left out.
    """

    key: Key
    uid: str
    kind: str
    why: str


class Item(Protocol):
    """What a table holds: something with a name and a version."""

    @property
    def key(self) -> Key:
        """Namespace and name."""

    @property
    def version(self) -> int:
        """The resourceVersion as a number."""


T = TypeVar("T", bound=Item)
Index = Callable[[T | None, T | None], None]


class Table(dict[Key, T]):
    """Objects of one kind by namespace and name, each the newest that was seen.

    Attributes:
        unreadable: Objects that are left out, since they cannot be read or are not the operator's, and why.
    """

    def __init__(
        self, kind: str, parse: Callable[[Object, T | None], T], changed: asyncio.Event, index: Index[T]
    ) -> None:
        """Make an empty table.

        Args:
            kind: What the objects are, for messages.
            parse: Makes an item of an object of the API and of the item that was known of it.
            changed: Set whenever the table changes.
            index: Called with the old and the new item of each change, to keep indexes.
        """
        super().__init__()
        self.kind = kind
        self.unreadable: dict[Key, Unreadable] = {}
        # Versions of deletions since the last list, whose answer may be on the way with what was deleted meanwhile.
        self._deleted: dict[Key, int] = {}
        self._parse = parse
        self._changed = changed
        self._index = index

    def take(self, body: Object) -> T | None:
        """Take an object from a watch, a list or a write of our own, unless a newer one is known; return the newer one.

        Whatever is in an object, it never keeps the others from being read: one that cannot be read is left out.
        """
        key, version = key_of(body), int(body["metadata"]["resourceVersion"])
        known = self.get(key)
        if version <= max(known.version if known is not None else 0, self._deleted.get(key, 0)):
            return known
        try:
            item = self._parse(body, known)
        except Exception as error:
            self._leave_out(key, body, error)
            return None
        self.unreadable.pop(key, None)
        self[key] = item
        self._index(known, item)
        self._changed.set()
        return item

    def _leave_out(self, key: Key, body: Object, error: Exception) -> None:
        """Record an object that cannot be read; what was known of it is forgotten."""
        self.forget(key)
        why = str(error) if isinstance(error, ForeignJobError) else f"{type(error).__name__}: {error}"
        known = self.unreadable.get(key)
        if known is None or known.why != why:
            facts = {"object": key[1], "namespace": key[0]}
            log.warning("a %s is left out: %s", self.kind, why, extra=facts)
            self.unreadable[key] = Unreadable(key, body["metadata"].get("uid", ""), self.kind, why[:WHY_LENGTH])

    def drop(self, body: Object) -> None:
        """Forget a deleted object, unless a newer one has its name."""
        key, version = key_of(body), int(body["metadata"]["resourceVersion"])
        self.unreadable.pop(key, None)
        self._deleted[key] = version
        known = self.get(key)
        if known is not None and known.version <= version:
            self.forget(key)

    def forget(self, key: Key) -> None:
        """Forget an object that is known to be gone."""
        known = self.pop(key, None)
        if known is not None:
            self._index(known, None)
            self._changed.set()

    def prune(self, namespace: str, present: set[Key], version: int) -> None:
        """Forget what a full list of a namespace, made at `version`, lacked and what is not newer than the list."""
        for key, known in list(self.items()):
            if key[0] == namespace and key not in present and known.version <= version:
                self.forget(key)
        for key in [key for key in self._deleted if key[0] == namespace]:
            del self._deleted[key]
        for key in [key for key in self.unreadable if key[0] == namespace and key not in present]:
            del self.unreadable[key]


class View:
    """Everything known, indexes over it, and a signal for changes.

    What is known of a namespace that went out of sight is kept: its Jobs may still run, and hold their slots.

    Attributes:
        namespaces: Which namespaces are in sight; nothing may be decided about the others.
        watch_ages: When the API server last sent something on each watch.
        unfinished: LogScans whose status is not final.
        live_jobs: Jobs that are not over.
        versions: Which unfinished scans are of the same object.
        contents: Which scans are of the same content.
        families: Which scans are of a prefix, and which work for those.
    """

    def __init__(self, namespaces: Sequence[str] = (), keys: Sequence[bytes] = ()) -> None:
        """Make an empty view.

        Args:
            namespaces: The namespaces that are watched, the operator's own first.
            keys: What the operator's Jobs are signed with; all other Jobs are left out.
        """
        self.namespaces = Namespaces(namespaces)
        self.watch_ages = WatchAges()
        self.changed = asyncio.Event()
        self.unfinished: dict[Key, Scan] = {}
        self.live_jobs: dict[Key, ScanJob] = {}
        self.versions = Versions()
        self.contents = Contents()
        self._rule_sets: dict[str, dict[str, RuleSet]] = {}
        self._attempts: dict[tuple[str, str], dict[int, ScanJob]] = {}
        self.scans = Table("LogScan", Scan.parse, self.changed, self._index_scan)
        self.families = Families(self.scans)
        self.jobs = Table("Job", lambda body, known: own_job(body, keys, known), self.changed, self._index_job)
        self.policies = Table("LogScanPolicy", lambda body, _: Policy.parse(body), self.changed, lambda old, new: None)
        self.rule_sets = Table(
            "LogScanRuleSet", lambda body, _: RuleSet.parse(body), self.changed, self._index_rule_set
        )

    @property
    def synced(self) -> bool:
        """Return whether the operator's own namespace is in sight."""
        return self.namespaces.synced

    @property
    def settled(self) -> bool:
        """Return whether each namespace was read or refused; before that slots cannot be counted."""
        return self.namespaces.settled

    def synced_in(self, namespace: str) -> bool:
        """Return whether what is known of a namespace is true now, so that something may be done there."""
        return self.namespaces.in_sight(namespace)

    def unfinished_in_sight(self) -> Iterator[Scan]:
        """Yield the unfinished LogScans of the namespaces that are in sight."""
        return (scan for scan in self.unfinished.values() if self.synced_in(scan.key[0]))

    def backlog(self, namespace: str) -> int:
        """Return how many LogScans of a namespace are unfinished, without suspended ones, prefixes and their parts."""
        unfinished = (scan for scan in self.unfinished.values() if scan.key[0] == namespace)
        others = (scan for scan in unfinished if not scan.lists and scan.parent is None)
        return sum(1 for scan in others if scan.spec is None or not scan.spec.suspend)

    def policies_in_sight(self) -> list[Policy]:
        """Return the policies of the namespaces that are in sight."""
        return [policy for policy in self.policies.values() if self.synced_in(policy.key[0])]

    def rule_sets_in_sight(self) -> list[RuleSet]:
        """Return the rule sets of the namespaces that are in sight."""
        return [found for found in self.rule_sets.values() if self.synced_in(found.key[0])]

    def forget_ended(self, namespace: str, now: datetime) -> None:
        """Forget the Jobs of a namespace out of sight that must be over by now.

        The Job controller ends a Job at its `activeDeadlineSeconds`. One without, which is not ours, is forgotten at
        once: nobody knows when it ends.
        """
        for job in [job for job in self.live_jobs.values() if job.key[0] == namespace]:
            if job.ends_by is None or job.ends_by <= now:
                self.jobs.forget(job.key)

    def unreadable(self) -> Iterator["Unreadable"]:
        """Yield the objects of all kinds that are left out."""
        for table in (self.scans, self.policies, self.rule_sets, self.jobs):
            yield from table.unreadable.values()

    def newest_job(self, scan: Scan) -> ScanJob | None:
        """Return the Job of a LogScan's newest attempt, in the namespace of the LogScan."""
        attempts = self._attempts.get((scan.key[0], scan.uid))
        return attempts[max(attempts)] if attempts else None

    def policies_in(self, namespace: str) -> dict[str, LogScanPolicySpec]:
        """Return the readable policies of a namespace by name."""
        found = self.policies.items()
        return {name: p.spec for (space, name), p in found if space == namespace and p.spec is not None}

    def rule_sets_in(self, namespace: str) -> Mapping[str, RuleSet]:
        """Return the rule sets of a namespace by name."""
        return self._rule_sets.get(namespace, {})

    def scanned(self, namespace: str, content: str, sequencer: str | None) -> str | None:
        """Return the LogScan of a content that has succeeded, or that will be run whatever else arrives, or None.

        Args:
            namespace: Where it is.
            content: What it is of (`identity.content_hash`).
            sequencer: S3's sequencer of the upload that it would make needless: an unfinished scan of an older version
                may still be superseded by one of a version in between.
        """
        for key in self.contents.of(content):
            scan = self.scans[key]
            if key[0] == namespace and _is_of_use(scan) and (scan.finished or is_as_new(scan, sequencer)):
                return key[1]
        return None

    def _index_scan(self, old: Scan | None, new: Scan | None) -> None:
        self.families.change(old, new)
        if old is not None:
            self.contents.drop(old)
        if new is not None:
            self.contents.add(new)
        if old is not None and self.unfinished.pop(old.key, None) is not None:
            self.versions.drop(old)
        if new is not None and not new.finished:
            self.unfinished[new.key] = new
            self.versions.add(new)

    def _index_rule_set(self, old: RuleSet | None, new: RuleSet | None) -> None:
        if new is not None:
            self._rule_sets.setdefault(new.key[0], {})[new.key[1]] = new
        elif old is not None:
            del self._rule_sets[old.key[0]][old.key[1]]

    def _index_job(self, old: ScanJob | None, new: ScanJob | None) -> None:
        if old is not None:
            self.live_jobs.pop(old.key, None)
            owner = (old.key[0], old.scan_uid)
            del self._attempts[owner][old.attempt]
            if not self._attempts[owner]:
                del self._attempts[owner]
        if new is not None:
            if new.ended is None:
                self.live_jobs[new.key] = new
            self._attempts.setdefault((new.key[0], new.scan_uid), {})[new.attempt] = new


def _is_of_use(scan: Scan) -> bool:
    """Return whether a scan tells, or will tell, what its content is."""
    if scan.deleting or scan.finished:
        return scan.status.phase is Phase.SUCCEEDED and not scan.deleting
    return scan.spec is not None and not scan.spec.cancel
