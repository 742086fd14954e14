"""How long the other side has been silent: watches of the API server, receive calls of SQS. Seconds are monotonic."""

import time
from collections.abc import Iterable

Watched = tuple[str, str]


class Hearing:
    """When each watch was last heard. Watches note it from their own threads."""

    def __init__(self) -> None:
        self._at: dict[Watched, float] = {}

    def heard(self, namespace: str, resource: str) -> None:
        """Note that the API server has said something on a watch."""
        self._at[namespace, resource] = time.monotonic()

    def ages(self) -> dict[Watched, float]:
        """Return the seconds since each watch was last heard, by namespace and resource."""
        now = time.monotonic()
        return {watched: now - at for watched, at in list(self._at.items())}


class Receiving:
    """Since when a receiver waits for its queue to answer."""

    def __init__(self) -> None:
        self._asked_at: float | None = None

    def asks(self) -> None:
        """Note a receive call; one that follows calls without an answer changes nothing."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()

    def rests(self) -> None:
        """Note that the queue has answered, or that nothing is asked of it for now."""
        self._asked_at = None

    def seconds(self) -> float:
        """Return for how long the queue has not answered: at most the long poll's time when all is well."""
        return 0.0 if self._asked_at is None else time.monotonic() - self._asked_at


def longest(receivers: Iterable[Receiving]) -> float:
    """Return the most seconds for which any of the receivers has waited."""
    return max((receiver.seconds() for receiver in receivers), default=0.0)
