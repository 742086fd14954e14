"""The LogScanPolicy `default`, which the operator creates: it takes the objects that no other policy takes.

Helm cannot make it: an installation refuses a kind that the API server does not know yet, and the CRDs come with that
very installation. It is applied on the server's side and without force, so what others add to it stays, packs too; one
that somebody else made under that name is left alone.
"""

import asyncio
import logging
from collections.abc import Callable

from logscan_api import API_VERSION
from logscan_operator import paths
from logscan_operator.errors import ApiError, KubeError
from logscan_operator.items import Object
from logscan_operator.kube import APPLY
from logscan_operator.leases import FencedApi
from logscan_operator.settings import Settings
from logscan_operator.view import View

NAME = "default"
PRIORITY = -1000  # below any policy that says nothing about its priority
MANAGER = "logscan-operator"
OURS = {"app.kubernetes.io/managed-by": "logscan"}
PERIOD_SECONDS = 2.0
MOST_SECONDS = 60.0  # between tries that fail

log = logging.getLogger("logscan.defaultpolicy")


def manifest(settings: Settings) -> Object | None:
    """Return the policy that there is to be, or None if there is to be none."""
    packs = settings.default_policy_packs
    if not packs:
        return None
    labels = {**OURS, "app.kubernetes.io/part-of": "logscan"}
    return {
        "apiVersion": API_VERSION,
        "kind": "LogScanPolicy",
        "metadata": {"name": NAME, "namespace": settings.namespace, "labels": labels},
        "spec": {"priority": PRIORITY, "rules": {"packs": packs}},
    }


def kept_policy(settings: Settings) -> str | None:
    """Return the name of the policy that the operator creates whenever it is missing, or None."""
    return NAME if manifest(settings) else None


class DefaultPolicy:
    """Applies the policy once, and again whenever it is gone, until cancelled."""

    def __init__(self, view: View, api: FencedApi, settings: Settings, alive: Callable[[], None]) -> None:
        """Do nothing yet.

        Args:
            view: Tells whether the policy is there.
            api: Where it is applied.
            settings: The operator's settings.
            alive: Called whenever the loop makes progress.
        """
        self._alive = alive
        self._view = view
        self._api = api
        self._key = (settings.namespace, NAME)
        self._wanted = manifest(settings)
        self._applied = False

    async def run(self) -> None:
        """Work until cancelled; with nothing to apply, only wait."""
        pause = PERIOD_SECONDS
        while True:
            self._alive()
            if self._wanted is not None and not self._stands():
                pause = PERIOD_SECONDS if await self._apply(self._wanted) else min(pause * 2, MOST_SECONDS)
            await asyncio.sleep(pause)

    def _stands(self) -> bool:
        return self._applied and (self._key in self._view.policies or not self._view.synced_in(self._key[0]))

    async def _apply(self, policy: Object) -> bool:
        """Apply the policy unless it is somebody else's; return whether that is settled."""
        try:
            if await self._is_foreign():
                log.info("the LogScanPolicy %s is not the operator's and is left as it is", NAME)
            else:
                path, query = f"{paths.policies(self._key[0])}/{NAME}", {"fieldManager": MANAGER}
                self._view.policies.take(await self._api.request("PATCH", path, policy, query, APPLY))
        except KubeError as error:
            if not (isinstance(error, ApiError) and error.reason == "Conflict"):
                log.warning("the LogScanPolicy %s is not applied: %s", NAME, error)
                return False
            log.info("the LogScanPolicy %s was changed by others and is left as it is", NAME)
        self._applied = True
        return True

    async def _is_foreign(self) -> bool:
        query = {"fieldSelector": f"metadata.name={NAME}"}
        found = (await self._api.request("GET", paths.policies(self._key[0]), query=query))["items"]
        return any(not OURS.items() <= item["metadata"].get("labels", {}).items() for item in found)
