"""Stores LogScans for the intake: under the name of their event, or a longer one if another LogScan has that."""

import logging

from logscan_operator import paths
from logscan_operator.deciding import same_scan
from logscan_operator.errors import ApiError, KubeError, NotLeadingError
from logscan_operator.items import Object
from logscan_operator.leases import FencedApi
from logscan_operator.lookups import stored_scan
from logscan_operator.metrics import Metrics
from logscan_operator.view import View

NAMES = 8  # longer ones to try; each that is taken was made on purpose

log = logging.getLogger("logscan.storing")


class RefusedError(Exception):
    """A LogScan was not created.

    Attributes:
        name: Its name.
        cause: What came of the request.
    """

    def __init__(self, name: str, cause: KubeError) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


class Store:
    """Creates LogScans, and finds those that an earlier delivery of the same event has made."""

    def __init__(self, api: FencedApi, view: View, metrics: Metrics) -> None:
        """Store nothing yet.

        Args:
            api: Where LogScans are created.
            view: Where new ones go at once, before a watch shows them.
            metrics: Where numbers go.
        """
        self._api = api
        self._view = view
        self._metrics = metrics

    async def store(self, manifest: Object, message_id: str) -> Object:
        """Create a LogScan and return it, under a longer name if a different LogScan has its name.

        Args:
            manifest: The LogScan.
            message_id: The message that it is made for, for the log.

        Raises:
            RefusedError: It was not created.
            NotLeadingError: This process does not lead.
        """
        name = manifest["metadata"]["name"]
        for longer in (name, *(f"{name}-{number}" for number in range(2, NAMES + 2))):
            candidate = {**manifest, "metadata": {**manifest["metadata"], "name": longer}}
            if await self._create_or_find(candidate, message_id):
                return candidate
            self._metrics.collisions.inc()
            log.warning("another LogScan has the name of this one", extra={"scan": longer, "messageId": message_id})
        raise RefusedError(name, KubeError(f"{name} and {NAMES} longer names are those of other LogScans"))

    async def _create_or_find(self, manifest: Object, message_id: str) -> bool:
        """Create a LogScan, or find that an earlier message has; return False if its name is that of another one."""
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        facts = {"scan": name, "messageId": message_id}
        try:
            self._view.scans.take(await self._api.request("POST", paths.scans(namespace), manifest))
            log.info("LogScan created", extra=facts)
            return True
        except NotLeadingError:
            raise
        except KubeError as error:
            if not (isinstance(error, ApiError) and error.reason == "AlreadyExists"):
                raise RefusedError(name, error) from error
            there = await self._there(namespace, name)
            if there is None:  # it is gone again: the message comes once more
                raise RefusedError(name, error) from error
        if not same_scan(there, manifest):
            return False
        self._metrics.duplicates.inc()
        log.info("the LogScan is there already", extra=facts)
        return True

    async def _there(self, namespace: str, name: str) -> Object | None:
        """Return the LogScan of a name."""
        try:
            return await stored_scan(self._api, namespace, name)
        except KubeError as error:
            raise RefusedError(name, error) from error
