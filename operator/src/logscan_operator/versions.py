"""Which scans are of the same object, and which of those a newer version of the object makes useless."""

from collections import defaultdict

from logscan_api.identity import padded_sequencer
from logscan_operator.items import Key, Scan

ObjectKey = tuple[str, str, str]


class Versions:
    """Scans by the object that they are of, as long as S3's sequencer says which version is newer.

    Few objects are ever written again while a scan of them is unfinished, so only those are kept apart for a closer
    look: the plan asks every time.
    """

    def __init__(self) -> None:
        self._sequencers: defaultdict[ObjectKey, dict[Key, str]] = defaultdict(dict)
        self._contested: set[ObjectKey] = set()

    def add(self, scan: Scan) -> None:
        """Take an unfinished scan in; one that is given up or deleted makes no other useless."""
        key, sequencer = _version_of(scan)
        if key is None or scan.deleting or (scan.spec and scan.spec.cancel):
            return
        self._sequencers[key][scan.key] = sequencer
        if len(self._sequencers[key]) > 1:
            self._contested.add(key)

    def drop(self, scan: Scan) -> None:
        """Forget a scan that was taken in, if it was."""
        key, _ = _version_of(scan)
        if key is None or key not in self._sequencers:
            return
        scans = self._sequencers[key]
        scans.pop(scan.key, None)
        if len(scans) < 2:
            self._contested.discard(key)
        if not scans:
            del self._sequencers[key]

    def outdated(self) -> dict[Key, str]:
        """Return the scans of versions that are not the newest to be scanned, with the name of who scans that."""
        found: dict[Key, str] = {}
        for contested in self._contested:
            scans = self._sequencers[contested]
            sequencer, newest = max((sequencer, key) for key, sequencer in scans.items())
            found |= {key: newest[1] for key, older in scans.items() if older < sequencer}
        return found


def is_as_new(scan: Scan, sequencer: str | None) -> bool:
    """Return whether no version older than one with a sequencer makes a scan useless."""
    key, there = _version_of(scan)
    return key is None or (sequencer is not None and there >= padded_sequencer(sequencer))


def _version_of(scan: Scan) -> tuple[ObjectKey | None, str]:
    source = scan.spec.source.s3 if scan.spec else None
    if source is None or source.key is None or source.sequencer is None:
        return None, ""
    return (scan.key[0], source.bucket, source.key), padded_sequencer(source.sequencer)
