"""Which scans are of the same content: of the same bucket, key and entity tag, by the label that the intake sets."""

from logscan_operator.items import Key, Scan


class Contents:
    """Scans by content, finished ones too: thousands are kept, so an entry is no more than a tuple of their keys."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[Key, ...]] = {}

    def add(self, scan: Scan) -> None:
        """Take a scan in, unless it tells no content."""
        if scan.content is not None:
            self._keys[scan.content] = (*self.of(scan.content), scan.key)

    def drop(self, scan: Scan) -> None:
        """Forget a scan that was taken in."""
        if scan.content is None:
            return
        others = tuple(key for key in self.of(scan.content) if key != scan.key)
        if others:
            self._keys[scan.content] = others
        else:
            self._keys.pop(scan.content, None)

    def of(self, content: str) -> tuple[Key, ...]:
        """Return the scans of a content."""
        return self._keys.get(content, ())
