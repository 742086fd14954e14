"""Full lists of a namespace: the first one lets work begin, later ones make up for a watch that went silent."""

from typing import Any

from logscan_operator import paths
from logscan_operator.errors import ApiError
from logscan_operator.items import Key, key_of
from logscan_operator.kube import ApiServer
from logscan_operator.scanjobs import SCAN_UID_LABEL
from logscan_operator.view import Table, View

# Objects of an answer. A LogScan may have 64 KiB, and while 3 MiB of JSON are parsed nothing else runs.
PAGE = 50


async def resync(api: ApiServer, view: View, namespace: str) -> None:
    """List LogScans, policies, rule sets and Jobs of a namespace, and make the view agree with them.

    Raises:
        ApiError: A list was refused.
        NoAnswerError: The API server did not answer.
    """
    try:
        await _read(api, paths.rule_sets(namespace), {}, view.rule_sets, namespace)
    except ApiError as error:
        if error.status != 404:  # an upgrade may bring the operator before the CRD
            raise
    await _read(api, paths.policies(namespace), {}, view.policies, namespace)
    await _read(api, paths.scans(namespace), {}, view.scans, namespace)
    await _read(api, paths.jobs(namespace), {"labelSelector": SCAN_UID_LABEL}, view.jobs, namespace)


async def _read(api: ApiServer, path: str, query: dict[str, str], table: Table[Any], namespace: str) -> None:
    present: set[Key] = set()
    query = {**query, "limit": str(PAGE)}
    while True:
        page = await api.request("GET", path, query=query)
        for body in page["items"]:
            table.take(body)
            present.add(key_of(body))
        version, more = int(page["metadata"]["resourceVersion"]), page["metadata"].get("continue")
        if not more:
            break
        query["continue"] = more
    table.prune(namespace, present, version)
