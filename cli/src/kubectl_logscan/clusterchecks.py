"""What `doctor` asks the API server: who asks, with which rights, and whether the operator is installed and runs."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from kubectl_logscan import __version__
from kubectl_logscan.checks import ProblemError, SkippedError
from kubectl_logscan.cluster import message_of
from logscan_api import GROUP, VERSION
from logscan_api.crds import build_all
from logscan_api.policies import LogScanPolicySpec, PolicyAction, matching

if TYPE_CHECKING:
    from kubectl_logscan.cluster import Cluster

OPERATOR = "logscan-operator"  # its Deployment, its ConfigMap and its Lease
TIMEOUT = (3, 5)  # seconds to connect, and to answer
MOST_SKEW = 60  # seconds: tokens and signatures of requests depend on the time
VERBS = ("get", "list", "watch", "create", "patch")
INSTALL = "Install logscan, or name the operator's namespace with --operator-namespace."

Object = dict[str, Any]


class ClusterChecks:
    """The checks, each a method that returns what is well and raises what is not."""

    def __init__(self, found: "Cluster", operator_namespace: str) -> None:
        """Ask nothing yet.

        Args:
            found: The cluster.
            operator_namespace: Where the operator is installed.
        """
        self._connection = found.connection
        self._namespace = str(found.namespace)
        self._operator = operator_namespace

    def identity(self) -> str:
        """Return who the API server says that we are."""
        review = self._ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
        return f"Kubernetes knows you as {review['status']['userInfo'].get('username', 'nobody')}"

    def rights(self) -> str:
        """Return that all verbs are allowed that the commands need."""
        missing = [verb for verb in VERBS if not self._may(verb)]
        if missing:
            raise ProblemError(
                f"you may not {', '.join(missing)} logscans in the namespace {self._namespace}",
                f"Ask for a RoleBinding in {self._namespace} to the ClusterRole edit, which the chart extends.",
            )
        return f"you may {', '.join(VERBS)} logscans in the namespace {self._namespace}"

    def crds(self) -> str:
        """Return that the resources are served, with the schemas of this version where these may be read."""
        try:
            served = {r["name"] for r in self._ask("GET", f"/apis/{GROUP}/{VERSION}")["resources"]}
        except client.ApiException as error:
            if error.status != 404:
                raise
            raise ProblemError(f"the cluster does not serve {GROUP}/{VERSION}", INSTALL) from error
        known = {crd["metadata"]["name"]: crd for crd in build_all().values()}
        missing = sorted(name for name in known if name.partition(".")[0] not in served)
        if missing:
            raise ProblemError(f"CRDs are missing: {', '.join(missing)}", "Apply the CRDs of this release.")
        try:
            other = sorted(name for name, crd in known.items() if self._schema(name) != _schema(crd))
        except client.ApiException:  # they are the cluster's, and few may read them
            return f"{GROUP}/{VERSION} is served; you may not compare the schemas"
        if other:
            raise ProblemError(
                f"CRDs are of another version than {__version__}: {', '.join(other)}",
                "Apply the CRDs of the operator's release, and install the kubectl-logscan of that version.",
            )
        return f"{GROUP}/{VERSION} is served, with the schemas of version {__version__}"

    def operator(self) -> str:
        """Return that the operator's Deployment is ready."""
        path = f"/apis/apps/v1/namespaces/{self._operator}/deployments/{OPERATOR}"
        return readiness(self._named(path, "Deployment"))

    def leader(self) -> str:
        """Return that the leader renews its Lease, by the clock of the API server."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self._operator}/leases/{OPERATOR}"
        return freshness(self._named(path, "Lease"), self._server_time())

    def clock(self) -> str:
        """Return that this machine and the API server have the same time."""
        return skew("the API server", self._server_time(), datetime.now(UTC))

    def policy(self, bucket: str | None, key: str | None) -> str:
        """Return which LogScanPolicy decides about an upload."""
        if not bucket or not key:
            raise SkippedError("name an object with --bucket and --key to see which policy matches it")
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{self._operator}/logscanpolicies"
        specs = {
            item["metadata"]["name"]: LogScanPolicySpec.model_validate(item["spec"])
            for item in self._ask("GET", path)["items"]
        }
        names = matching(specs, bucket, key)
        if not names:
            raise ProblemError(
                f"none of {len(specs)} LogScanPolicies in {self._operator} matches s3://{bucket}/{key}",
                "Uploads of it are not scanned: add it to spec.match of a policy.",
            )
        action = specs[names[0]].action
        if action is PolicyAction.IGNORE:
            raise ProblemError(
                f"the LogScanPolicy {names[0]} says to ignore s3://{bucket}/{key}",
                "If it is to be scanned, give another policy that matches it a higher priority.",
            )
        return f"the LogScanPolicy {names[0]} decides about s3://{bucket}/{key}"

    def settings(self) -> dict[str, str]:
        """Return the operator's settings, by the names of their variables; nothing if they may not be read."""
        try:
            found = self._ask("GET", f"/api/v1/namespaces/{self._operator}/configmaps/{OPERATOR}")
        except (client.ApiException, HTTPError):
            return {}
        return {str(name): str(value) for name, value in (found.get("data") or {}).items()}

    def _may(self, verb: str) -> bool:
        attributes = {"group": GROUP, "resource": "logscans", "namespace": self._namespace, "verb": verb}
        body = {"spec": {"resourceAttributes": attributes}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(self._ask("POST", path, body)["status"]["allowed"])

    def _schema(self, name: str) -> Any:
        return _schema(self._ask("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"))

    def _named(self, path: str, kind: str) -> Object:
        try:
            return self._ask("GET", path)
        except client.ApiException as error:
            if error.status == 404:
                message = f"there is no {kind} {OPERATOR} in the namespace {self._operator}"
                raise ProblemError(message, INSTALL) from error
            raise ProblemError(message_of(error), f"Ask for the right to get it in {self._operator}.") from error

    def _server_time(self) -> datetime:
        headers = self._call("GET", "/version", None).getheaders()
        return parsedate_to_datetime({name.lower(): value for name, value in headers.items()}["date"])

    def _ask(self, method: str, path: str, body: Object | None = None) -> Object:
        found: Object = json.loads(self._call(method, path, body).data)
        return found

    def _call(self, method: str, path: str, body: Object | None) -> Any:
        request = self._connection.param_serialize(
            method=method,
            resource_path=path,
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = self._connection.call_api(*request, _request_timeout=TIMEOUT)
        answer.read()
        if not 200 <= answer.status <= 299:
            raise client.ApiException(http_resp=answer, body=answer.data.decode("utf-8", "replace"))
        return answer


def readiness(deployment: Object) -> str:
    """Return that a Deployment is ready."""
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    ready = status.get("readyReplicas") or 0
    image = deployment["spec"]["template"]["spec"]["containers"][0].get("image", "")
    if wanted == 0:
        raise ProblemError("the operator is scaled to 0", f"`kubectl scale deployment/{OPERATOR} --replicas=1`.")
    if ready < wanted or status.get("observedGeneration") != deployment["metadata"]["generation"]:
        raise ProblemError(
            f"{ready} of {wanted} pods of the operator are ready ({image})",
            f"`kubectl -n {deployment['metadata']['namespace']} describe deployment/{OPERATOR}`, and its pods' logs.",
        )
    return f"{ready} of {wanted} pods of the operator are ready ({image})"


def freshness(lease: Object, now: datetime) -> str:
    """Return that a Lease is held and was renewed in its time."""
    spec = lease.get("spec") or {}
    holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    if not holder or not renewed:
        raise ProblemError("no operator leads", "Look into the logs of the operator's pods.")
    age = (now - datetime.fromisoformat(renewed)).total_seconds()
    lasts = spec.get("leaseDurationSeconds") or 0
    if age > lasts + 1:  # a Date header has whole seconds
        raise ProblemError(
            f"{holder} renewed its Lease {age:.0f} seconds ago, which lasts {lasts}",
            "No operator leads: look into the logs of its pods.",
        )
    return f"{holder} leads, and renewed its Lease {max(age, 0):.0f} seconds ago"


def skew(whose: str, theirs: datetime, ours: datetime) -> str:
    """Return that two clocks agree."""
    seconds = (ours - theirs).total_seconds()
    if abs(seconds) > MOST_SKEW:
        word = "ahead of" if seconds > 0 else "behind"
        raise ProblemError(
            f"this machine's clock is {abs(seconds):.0f} seconds {word} that of {whose}",
            "Set the time: tokens and signatures of requests expire by it.",
        )
    return f"this machine's clock is within {abs(seconds) + 1:.0f} seconds of that of {whose}"


def _schema(crd: Object) -> Any:
    """Return what a version of a CRD allows, for comparison: names of fields, without what the API server adds."""
    found: Object = next((v for v in crd["spec"]["versions"] if v["name"] == VERSION), {})
    return _fields((found.get("schema") or {}).get("openAPIV3Schema") or {})


def _fields(schema: Object) -> Any:
    if "properties" in schema:
        return {name: _fields(inner) for name, inner in schema["properties"].items()}
    return _fields(schema["items"]) if isinstance(schema.get("items"), dict) else schema.get("type")
