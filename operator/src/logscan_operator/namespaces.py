"""Which of the watched namespaces can be seen now, and why the others cannot."""

from collections.abc import Sequence


class Namespaces:
    """The watched namespaces: each is not heard of yet, in sight, or out of sight for a reason.

    Attributes:
        trouble: Why a namespace is out of sight, for those that are.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Prepare.

        Args:
            names: The namespaces to wait for, the operator's own first.
        """
        self.names = list(names)
        self.trouble: dict[str, str] = {}
        self._found: set[str] = set()

    @property
    def settled(self) -> bool:
        """Return whether each namespace was read or refused: only then are all Jobs that can be known known."""
        return all(name in self._found or name in self.trouble for name in self.names)

    @property
    def synced(self) -> bool:
        """Return whether work is possible: the operator's own namespace is in sight."""
        return bool(self.names) and self.names[0] in self._found

    def in_sight(self, name: str) -> bool:
        """Return whether a namespace was read and has not been lost since."""
        return name in self._found

    def find(self, name: str) -> bool:
        """Note that a namespace was read; return whether that is news."""
        news = name not in self._found
        self.trouble.pop(name, None)
        self._found.add(name)
        return news

    def lose(self, name: str, why: str) -> bool:
        """Note that a namespace cannot be read; return whether that is news."""
        news = self.trouble.get(name) != why
        self.trouble[name] = why
        self._found.discard(name)
        return news

    def states(self) -> dict[str, str]:
        """Return what keeps each namespace out of sight, by name; nothing about those in sight."""
        unseen = [name for name in self.names if name not in self._found]
        return {name: self.trouble.get(name, "not read yet") for name in unseen}
