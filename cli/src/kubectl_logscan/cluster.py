"""LogScans in the cluster, by the connection, context and namespace that kubectl would use."""

import json
from collections.abc import Callable, Iterator
from typing import Any, cast

from kubernetes import client, config, watch
from urllib3.exceptions import HTTPError

from kubectl_logscan.errors import ClusterError, NotFoundError, UnansweredError
from logscan_api import API_VERSION, GROUP, VERSION

RESOURCE = {"group": GROUP, "version": VERSION, "plural": "logscans"}
MERGE_PATCH = "application/merge-patch+json"
TIMEOUT = (5, 30)  # seconds to connect, and to answer
PAGE = 500
EXPIRED = 410  # the API server has forgotten the version that a watch was to begin at
WATCH_SECONDS = 30  # the server then ends a watch, so that a connection that died unnoticed is soon replaced

Object = dict[str, Any]


class Cluster:
    """The LogScans of one namespace, or of all.

    Attributes:
        namespace: The namespace; None means all of them.
        connection: The client of the API server.
    """

    def __init__(self, kubeconfig: str | None, context: str | None, namespace: str | None, everywhere: bool) -> None:
        """Read the kubeconfig; nothing is asked yet.

        Args:
            kubeconfig: Its path; None for `KUBECONFIG` or `~/.kube/config`.
            context: The context; None for the current one.
            namespace: The namespace; None for that of the context.
            everywhere: Whether to list all namespaces.

        Raises:
            ClusterError: The kubeconfig does not exist, or does not have the context.
        """
        try:
            connection = config.new_client_from_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig, context=context
            )
            contexts, current = config.list_kube_config_contexts(kubeconfig)  # type: ignore[no-untyped-call]
        except (config.ConfigException, OSError) as error:
            hint = "name a kubeconfig with --kubeconfig or KUBECONFIG, and a context of it with --context"
            raise ClusterError(f"{str(error).splitlines()[0].rstrip('.')}: {hint}") from error
        chosen = next((c for c in contexts if c["name"] == context), current)
        self.namespace = None if everywhere else namespace or chosen["context"].get("namespace") or "default"
        self._server = connection.configuration.host
        self.connection = connection
        self._api = client.CustomObjectsApi(connection)

    def scans(self) -> list[Object]:
        """Return all LogScans.

        Raises:
            ClusterError: The API server did not answer, or refused.
        """
        found: list[Object] = []
        token: str | None = None
        while True:
            page = self._ask(lambda: self._page(token))  # noqa: B023 # it is called at once
            found += page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return found

    def scan(self, name: str) -> Object:
        """Return a LogScan.

        Raises:
            NotFoundError: The LogScan does not exist.
            ClusterError: The API server did not answer, or refused.
        """
        return self._ask(lambda: self._api.get_namespaced_custom_object(**self._at(name)), name)

    def changes(self, name: str, version: str, seconds: float) -> Iterator[Object]:
        """Yield a LogScan each time it changes, until the API server ends the watch, or has forgotten the version.

        Args:
            name: The LogScan.
            version: The resource version after which changes are told.
            seconds: How long to watch, at most; half a minute if that is less.

        Raises:
            UnansweredError: The connection broke, or the API server cannot answer now.
            NotFoundError: The LogScan was deleted.
            ClusterError: The API server refused.
        """
        lasts = max(1, int(min(seconds, WATCH_SECONDS)))
        where: dict[str, Any] = {**RESOURCE, "namespace": self.namespace, "field_selector": f"metadata.name={name}"}
        where |= {"resource_version": version, "timeout_seconds": lasts, "_request_timeout": (5, lasts + 5)}
        try:
            watched = watch.Watch()  # type: ignore[no-untyped-call]
            for event in watched.stream(self._api.list_namespaced_custom_object, **where):  # type: ignore[no-untyped-call]
                if event["type"] == "DELETED":
                    raise NotFoundError(f"the LogScan {name} was deleted while it was watched")
                yield cast("Object", event["object"])
        except client.ApiException as error:
            if error.status != EXPIRED:
                raise self._refused(error, name) from error
        except (HTTPError, ValueError) as error:  # ValueError: half a line of JSON
            raise self._unanswered() from error

    def create(self, prefix: str, spec: Object) -> Object:
        """Create a LogScan, and return it.

        Args:
            prefix: How its name begins; the API server adds a few characters.
            spec: Its spec.

        Raises:
            ClusterError: The API server did not answer, or refused.
        """
        body = {"apiVersion": API_VERSION, "kind": "LogScan", "metadata": {"generateName": prefix}, "spec": spec}
        where: dict[str, Any] = {**RESOURCE, "namespace": self.namespace, "_request_timeout": TIMEOUT}
        return self._ask(lambda: self._api.create_namespaced_custom_object(**where, body=body))

    def change(self, name: str, spec: Object) -> Object:
        """Merge fields into the spec of a LogScan, and return the LogScan.

        Raises:
            NotFoundError: The LogScan does not exist.
            ClusterError: The API server did not answer, or refused.
        """
        return self._ask(
            lambda: self._api.patch_namespaced_custom_object(
                **self._at(name), body={"spec": spec}, _content_type=MERGE_PATCH
            ),
            name,
        )

    def delete(self, name: str) -> None:
        """Delete a LogScan.

        Raises:
            NotFoundError: The LogScan does not exist.
            ClusterError: The API server did not answer, or refused.
        """
        self._ask(lambda: self._api.delete_namespaced_custom_object(**self._at(name)), name)

    def buckets(self) -> list[str]:
        """Return the buckets that the LogScanPolicies of the namespace match, as their globs.

        Raises:
            ClusterError: The API server did not answer, or refused.
        """
        where: dict[str, Any] = {**RESOURCE, "plural": "logscanpolicies", "namespace": self.namespace}
        where["_request_timeout"] = TIMEOUT
        found = self._ask(lambda: self._api.list_namespaced_custom_object(**where))["items"]
        return [bucket for policy in found for bucket in policy["spec"].get("match", {}).get("buckets") or []]

    def _page(self, token: str | None) -> object:
        where: dict[str, Any] = {**RESOURCE, "limit": PAGE, "_request_timeout": TIMEOUT}
        if token:
            where["_continue"] = token
        if self.namespace is None:
            return cast("Object", self._api.list_cluster_custom_object(**where))
        return cast("Object", self._api.list_namespaced_custom_object(**where, namespace=self.namespace))

    def _at(self, name: str) -> dict[str, Any]:
        return {**RESOURCE, "namespace": self.namespace, "name": name, "_request_timeout": TIMEOUT}

    def _ask(self, call: Callable[[], object], name: str | None = None) -> Object:
        try:
            return cast("Object", call())
        except client.ApiException as error:
            raise self._refused(error, name) from error
        except HTTPError as error:
            raise self._unanswered() from error

    def _unanswered(self) -> UnansweredError:
        message = f"the API server {self._server} did not answer: check the context, and `kubectl version`"
        return UnansweredError(message)

    def _refused(self, error: client.ApiException, name: str | None) -> ClusterError | NotFoundError:
        """Return the error for an answer of the API server."""
        message = message_of(error)
        if error.status == 429 or (error.status or 0) >= 500:
            return UnansweredError(f"{message}: try again")
        if error.status != 404:
            advice = {401: ": log in to the cluster again", 403: ": ask for a RoleBinding"}.get(error.status, "")
            return ClusterError(f"{message}{advice}")
        if name is None or "the server could not find the requested resource" in message or "page not found" in message:
            return ClusterError(
                "the cluster has no LogScans: install logscan, or choose another context with --context"
            )
        hint = "`kubectl logscan list` shows those that exist, and -n chooses another namespace"
        return NotFoundError(f"there is no LogScan {name} in the namespace {self.namespace}: {hint}")


def message_of(error: client.ApiException) -> str:
    """Return what the API server says in an answer, on one line."""
    try:
        text = str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        text = str(error.body or error.reason)
    return " ".join(text.split())
