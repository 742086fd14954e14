"""Full lists of everything the view holds: the first one lets work begin, later ones heal a silent watch."""

from collections.abc import Callable
from typing import Any

from logscan_operator import paths
from logscan_operator.kube import ApiServer
from logscan_operator.view import SCAN_UID_LABEL, Key, Object, View, key_of

PAGE = "500"


async def resync(api: ApiServer, view: View, namespace: str) -> None:
    """List LogScans, policies and Jobs, and make the view agree.

    Raises:
        ApiError: A list was refused.
        aiohttp.ClientError, TimeoutError: The API server did not answer.
    """
    await _take(api, paths.policies(namespace), {}, view, view.policies, view.put_policy)
    await _take(api, paths.scans(namespace), {}, view, view.scans, view.put_scan)
    await _take(api, paths.jobs(namespace), {"labelSelector": SCAN_UID_LABEL}, view, view.jobs, view.put_job)
    view.synced = True
    view.changed.set()


async def _take(
    api: ApiServer,
    path: str,
    query: dict[str, str],
    view: View,
    kind: dict[Key, Any],
    put: Callable[[Object], None],
) -> None:
    present: set[Key] = set()
    query = {**query, "limit": PAGE}
    while True:
        page = await api.request("GET", path, query=query)
        for body in page["items"]:
            put(body)
            present.add(key_of(body))
        version, more = int(page["metadata"]["resourceVersion"]), page["metadata"].get("continue")
        if not more:
            break
        query["continue"] = more
    view.prune(kind, present, version)
