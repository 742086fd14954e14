"""Asks the API server for one LogScan, where the view may lag behind or keeps too little of it."""

from logscan_operator import paths
from logscan_operator.items import Object
from logscan_operator.leases import FencedApi


async def stored_scan(api: FencedApi, namespace: str, name: str) -> Object | None:
    """Return a LogScan as it is stored now, or None if there is none.

    A list of one is asked for: what is not there is then no error.

    Raises:
        KubeError: The API server did not say.
    """
    query = {"fieldSelector": f"metadata.name={name}"}
    found: list[Object] = (await api.request("GET", paths.scans(namespace), query=query))["items"]
    return found[0] if found else None
