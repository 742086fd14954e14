"""Asks the API server for one LogScan or Job, where the view may lag behind or keeps too little of it."""

from logscan_operator import jobs, paths
from logscan_operator.errors import ApiError
from logscan_operator.items import Object, Scan
from logscan_operator.leases import FencedApi
from logscan_operator.resolving import ResolvedScan, recording_job
from logscan_operator.view import View


async def stored_scan(api: FencedApi, namespace: str, name: str) -> Object | None:
    """Return a LogScan as it is stored now, or None if there is none.

    A list of one is asked for: what is not there is then no error.

    Raises:
        KubeError: The API server did not say.
    """
    query = {"fieldSelector": f"metadata.name={name}"}
    found: list[Object] = (await api.request("GET", paths.scans(namespace), query=query))["items"]
    return found[0] if found else None


async def whole_scan(api: FencedApi, view: View, scan: Scan) -> Scan | None:
    """Return a scan with all of its spec, unless it has changed since it was planned; the view learns of that.

    Raises:
        KubeError: The API server did not say.
    """
    if not scan.abridged:
        return scan
    body = await stored_scan(api, *scan.key)
    if body is None:
        return None
    read = Scan.parse(body, whole=True)
    if (read.uid, read.generation) == (scan.uid, scan.generation):
        return read
    view.scans.take(body)
    return None


async def recorded_scan(api: FencedApi, view: View, scan: Scan) -> ResolvedScan | None:
    """Return what applies to a scan as the Job of its newest attempt records it, if that is still there.

    Raises:
        KubeError: The API server did not say.
    """
    job = recording_job(view, scan)
    if job is None:
        return None
    try:
        body = await api.request("GET", paths.jobs(*job.key))
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return jobs.recorded(body)
