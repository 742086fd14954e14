"""How long the API server and SQS have not answered: the ages that are exported as metrics. In seconds, monotonic."""

import time
from collections.abc import Iterable

Watch = tuple[str, str]  # namespace and resource


class WatchAges:
    """When the API server last sent something on each watch. Watches report it from their own threads."""

    def __init__(self) -> None:
        self._at: dict[Watch, float] = {}

    def renew(self, namespace: str, resource: str) -> None:
        """Note that the API server has sent something."""
        self._at[namespace, resource] = time.monotonic()

    def seconds(self) -> dict[Watch, float]:
        """Return the age of each watch, by namespace and resource."""
        now = time.monotonic()
        # A copy in one step, since other threads add watches meanwhile.
        return {watch: now - at for watch, at in list(self._at.items())}


class ReceiveAge:
    """How long a receiver has been waiting for its queue to answer."""

    def __init__(self) -> None:
        self._since: float | None = None

    def begin(self) -> None:
        """Note a receive call. Calls that fail one after the other count as one wait."""
        if self._since is None:
            self._since = time.monotonic()

    def end(self) -> None:
        """Note that the queue has answered, or that nothing is asked of it for now."""
        self._since = None

    def seconds(self) -> float:
        """Return the age: up to the time of a long poll if all is well, 0 if nothing is being received."""
        return 0.0 if self._since is None else time.monotonic() - self._since


def oldest(receivers: Iterable[ReceiveAge]) -> float:
    """Return the greatest age of several receivers, 0 for none."""
    return max((receiver.seconds() for receiver in receivers), default=0.0)
