"""What the API server refuses, on a real one: a quota, an admission policy or a missing right stops nobody else."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from places import SEEN, Place

from logscan_local.stack.kubectl import KubectlError, Object
from logscan_local.stack.stacks import Stack
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]

Places = tuple[Place, Place]
SCANS = 20


@pytest.fixture
def places(stack: Stack, tmp_path: Path) -> Iterator[Places]:
    """Yield the operator's namespace and one that it watches besides."""
    with ExitStack() as exits:
        one, other = (Place(stack, tmp_path / name) for name in ("own", "other"))
        for place in (one, other):
            place.folder.mkdir()
            exits.enter_context(place)
        yield one, other


def start(places: Places, kubeconfig: Path | None = None, **settings: str) -> None:
    own, other = places
    usual = {
        "max_concurrent": "4",
        "max_concurrent_per_namespace": "4",
        "events_per_second": "50",
        "lease_seconds": "30",
    }
    own.operator(kubeconfig, watch_namespaces=other.namespace, **usual, **settings)


def quota(**hard: str) -> Object:
    names = {name.replace("__", "/").replace("_", "."): amount for name, amount in hard.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": names}}


def enforced(place: Place) -> None:
    """Return once the quota controller has taken the quota up: before, the API server does not know what is used."""
    eventually(lambda: place.kubectl.get("resourcequota", "small").get("status", {}).get("hard"), 60, "the quota")


def many(place: Place, count: int = SCANS) -> list[str]:
    names = [f"s{number:02}" for number in range(count)]
    place.apply(*(place.manifest(name) for name in names))
    return names


def all_say(place: Place, seconds: float = 180, **wanted: str) -> list[Object]:
    """Return all statuses once each of them has what is wanted."""

    def reached() -> list[Object]:
        found = list(place.scans().values())
        return found if all(status.get(name) == value for status in found for name, value in wanted.items()) else []

    return eventually(reached, seconds, f"all scans of {place.namespace} to have {wanted}")


def warnings(place: Place) -> set[tuple[str, str]]:
    events = place.kubectl.get("events", "--field-selector=type=Warning")["items"]
    return {(e["involvedObject"]["name"], e["reason"]) for e in events if e["involvedObject"]["kind"] == "LogScan"}


def test_a_quota_on_jobs_stops_its_own_namespace_alone(places: Places) -> None:
    own, other = places
    other.apply(quota(count__jobs_batch="0"))
    enforced(other)
    names = many(other)
    start(places)
    all_say(other, phase="Queued", reason="QuotaExceeded")
    others = many(own, 8)
    all_say(own, phase="Succeeded")
    assert set(own.scans()) == set(others)
    for status in other.scans().values():
        assert "exceeded quota: small, requested: count/jobs.batch=1" in status["message"]
        assert status["retryTime"]
        assert "attempts" not in status, "a refusal is no attempt"
        SEEN.add(status["reason"])
    assert warnings(other) == {(name, "QuotaExceeded") for name in names}
    assert other.jobs.created == []
    own.operators[0].signal(signal.SIGTERM)  # the next one waits as long as this one said
    assert own.operators[0].process.wait(60) == 0
    other.apply(quota(count__jobs_batch="100"))
    start(places)
    all_say(other, phase="Succeeded")
    assert {status["attempts"] for status in other.scans().values()} == {1}


def test_a_quota_on_pods_takes_no_slots(places: Places) -> None:
    own, other = places
    other.apply(quota(pods="0"))
    enforced(other)
    many(other, 8)
    start(places)
    refused = all_say(other, phase="Queued", reason="QuotaExceeded")
    assert all("exceeded quota: small, requested: pods=1" in status["message"] for status in refused)
    many(own, 8)
    all_say(own, phase="Succeeded")
    other.apply(quota(pods="100"))
    all_say(other, phase="Succeeded")
    assert {status["attempts"] for status in other.scans().values()} == {1}


def denial(place: Place) -> list[Object]:
    """Return an admission policy that refuses the Jobs of a namespace."""
    base = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": f"no-jobs-{place.namespace}"}}
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
    validations = [{"expression": "false", "message": "no Jobs on weekends"}]
    where = {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}
    binding = {
        "policyName": f"no-jobs-{place.namespace}",
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": where},
    }
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": validations, "failurePolicy": "Fail"}
    return [
        {**base, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**base, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


def test_an_admission_policy_is_named_and_asked_again(places: Places) -> None:
    own, other = places
    objects = denial(other)
    other.apply(*objects)
    eventually(lambda: refuses_jobs(other), 60, "the policy to be in force")
    many(other, 8)
    start(places)
    many(own, 8)
    all_say(own, phase="Succeeded")
    refused = all_say(other, phase="Queued", reason="Refused")
    assert all("no Jobs on weekends" in status["message"] for status in refused)
    SEEN.add("Refused")
    for item in objects:
        other.kubectl.run("delete", str(item["kind"]), item["metadata"]["name"])
    all_say(other, phase="Succeeded")


def refuses_jobs(place: Place) -> bool:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "probe"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none"}]}}},
    }
    text = json.dumps(job)
    try:
        place.kubectl.run("create", "--dry-run=server", "--filename=-", stdin=text)
    except KubectlError:
        return True
    return False


def test_a_webhook_that_is_away_holds_up_its_own_namespace_alone(places: Places) -> None:
    own, other = places
    name = f"away-{other.namespace}"
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
    hook = {
        "name": "away.example.com",
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": other.namespace}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
    }
    kind = "ValidatingWebhookConfiguration"
    meta = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}}
    other.apply({**meta, "webhooks": [hook]})
    try:
        eventually(lambda: refuses_jobs(other), 60, "the webhook to be in force")
        many(other, 8)
        start(places)
        waiting = all_say(other, phase="Queued", reason="Backoff")
        assert all("failed calling webhook" in status["message"] for status in waiting)
        many(own, 8)
        all_say(own, phase="Succeeded")
    finally:
        other.kubectl.run("delete", kind, name)
    all_say(other, phase="Succeeded")


def test_a_missing_right_is_told_as_the_operators(places: Places) -> None:
    own, other = places
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    for place in places:
        reading = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]}
        rest = {"apiGroups": ["", "logscan.dev", "coordination.k8s.io"], "resources": ["*"], "verbs": ["*"]}
        rules = [everything] if place is own else [reading, rest]
        meta = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "some"}}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some"}
        subject = {"kind": "ServiceAccount", "name": "logscan-scanner", "namespace": own.namespace}
        binding = {**meta, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
        place.apply({**meta, "kind": "Role", "rules": rules}, binding)
    document = yaml.safe_load(own.stack.paths.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": own.kubectl.run("create", "token", "logscan-scanner").strip()}
    kubeconfig = own.folder / "some"
    kubeconfig.write_text(yaml.safe_dump(document))
    many(other, 8)
    start(places, kubeconfig)
    many(own, 8)
    all_say(own, phase="Succeeded")
    refused = all_say(other, phase="Queued", reason="Refused")
    assert all("the operator has no right to create Jobs" in status["message"] for status in refused)
