"""A LogScan followed by a watch, which begins again whenever the API server or the network ends it."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kubectl_logscan.errors import UnansweredError

if TYPE_CHECKING:
    from kubectl_logscan.cluster import Cluster

FIRST_PAUSE = 0.25  # seconds before the second try
MOST_PAUSE = 8.0  # seconds between two tries
EARLY = 1.0  # seconds: what ends sooner has failed


def follow(found: "Cluster", name: str, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the LogScan as it is, and then each time it changes, until the time is over.

    Args:
        found: The cluster.
        name: The LogScan.
        seconds: How long, at most.

    Raises:
        NotFoundError: It does not exist, or was deleted.
        ClusterError: The API server refused, or did not answer until the time was over.
    """
    deadline = time.monotonic() + seconds
    pause, failure = FIRST_PAUSE, None
    while (left := deadline - time.monotonic()) > 0:
        began = time.monotonic()
        try:
            scan = found.scan(name)  # also what happened while nothing was watched
            yield scan
            yield from found.changes(name, scan["metadata"]["resourceVersion"], left)
            failure = None
        except UnansweredError as error:
            failure = error
        if time.monotonic() - began > EARLY:
            pause = FIRST_PAUSE
            continue
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(2 * pause, MOST_PAUSE)
    if failure is not None:
        raise failure
