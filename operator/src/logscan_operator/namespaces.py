"""Which of the watched namespaces can be read now, and why the others cannot."""

from collections.abc import Sequence


class Namespaces:
    """The watched namespaces: each is not read yet, in sight, or out of sight for a reason.

    Attributes:
        problems: Why a namespace is out of sight, for those that are.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Begin with namespaces that are not read yet.

        Args:
            names: The namespaces, the operator's own first.
        """
        self.names = list(names)
        self.problems: dict[str, str] = {}
        self._found: set[str] = set()

    @property
    def settled(self) -> bool:
        """Return whether each namespace was read or refused, so that no Job is left that could still be read."""
        return all(name in self._found or name in self.problems for name in self.names)

    @property
    def synced(self) -> bool:
        """Return whether work is possible: the operator's own namespace is in sight."""
        return bool(self.names) and self.names[0] in self._found

    def in_sight(self, name: str) -> bool:
        """Return whether a namespace was read and has not been lost since."""
        return name in self._found

    def find(self, name: str) -> bool:
        """Record that a namespace was read; return whether it was out of sight before."""
        changed = name not in self._found
        self.problems.pop(name, None)
        self._found.add(name)
        return changed

    def lose(self, name: str, why: str) -> bool:
        """Record that a namespace cannot be read; return whether it could before, or for another reason not."""
        changed = self.problems.get(name) != why
        self.problems[name] = why
        self._found.discard(name)
        return changed

    def states(self) -> dict[str, str]:
        """Return why each namespace is out of sight, by name, without those in sight."""
        unseen = [name for name in self.names if name not in self._found]
        return {name: self.problems.get(name, "not read yet") for name in unseen}
