"""Messages while the API server refuses LogScans, for everyone or for one, on a real API server and a real queue."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from places import NewPlace, Place
from queues import DeadLetters

from logscan_local.stack.kubectl import KubectlError, Object
from logscan_local.testkit.waiting import eventually
from logscan_operator.intake import MOST_HANDLED

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]

RECEIVES = 3
LEASE_SECONDS = "60"  # nobody else wants the Lease, and a busy machine must not lose it
TRIALS = 4  # the pauses between them add up to 14 s: three receives would have been long over


class Outage:
    """A place whose queue has a dead-letter queue, and what refuses its LogScans."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.dead_letters = DeadLetters(place, RECEIVES).bodies

    def refused(self, key: str) -> bool:
        """Return whether the API server refuses a LogScan of an object."""
        manifest = self.place.manifest("asked", source={"s3": {"bucket": "logs", "key": key}})
        try:
            self.place.kubectl.run("create", "--dry-run=server", "--filename=-", stdin=json.dumps(manifest))
        except KubectlError:
            return True
        return False

    def trials(self) -> int:
        """Return how many dry runs of creating a LogScan the API server has answered."""
        counts = re.findall(
            r'^apiserver_request_total\{[^}]*dry_run="All"[^}]*resource="logscans"[^}]*verb="POST"[^}]*\} (\d+)',
            self.place.kubectl.run("get", "--raw", "/metrics"),
            re.MULTILINE,
        )
        return sum(int(count) for count in counts)

    def only_here(self) -> Object:
        """Return a selector of the place's namespace."""
        return {"matchLabels": {"kubernetes.io/metadata.name": self.place.namespace}}

    def dead_webhook(self) -> Object:
        """Return a webhook that nobody answers, which must be asked."""
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": self.place.namespace},
            "webhooks": [
                {
                    "name": "dead.example.com",
                    "clientConfig": {"service": {"namespace": "default", "name": "no-such-service"}},
                    "rules": [
                        {
                            "apiGroups": ["logscan.dev"],
                            "apiVersions": ["*"],
                            "operations": ["CREATE"],
                            "resources": ["logscans"],
                        }
                    ],
                    "namespaceSelector": self.only_here(),
                    "failurePolicy": "Fail",
                    "sideEffects": "None",
                    "timeoutSeconds": 2,
                    "admissionReviewVersions": ["v1"],
                }
            ],
        }

    def used_up_quota(self) -> Object:
        """Return a quota that allows no LogScan."""
        hard = {"count/logscans.logscan.dev": "0"}
        return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": hard}}

    def policy_against(self, key: str) -> list[Object]:
        """Return an admission policy that denies one key."""
        group, name = {"apiVersion": "admissionregistration.k8s.io/v1"}, {"metadata": {"name": self.place.namespace}}
        rule = {"apiGroups": ["logscan.dev"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["logscans"]}
        constraints = {"resourceRules": [rule], "namespaceSelector": self.only_here()}
        denial = {"expression": f"object.spec.source.s3.key != '{key}'", "reason": "Forbidden"}
        policy = {"matchConstraints": constraints, "validations": [denial]}
        binding = {"policyName": self.place.namespace, "validationActions": ["Deny"]}
        return [
            {**group, **name, "kind": "ValidatingAdmissionPolicy", "spec": policy},
            {**group, **name, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
        ]


@pytest.fixture
def outage(new_place: NewPlace) -> Outage:
    return Outage(new_place())


def applied(place: Place, *documents: Object) -> Callable[[], None]:
    """Apply objects, cluster-wide ones too, and return how to delete them."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
    place.kubectl.run("apply", "--filename=-", stdin=text)

    def end() -> None:
        place.kubectl.run("delete", "--filename=-", "--ignore-not-found", stdin=text)

    return end


@pytest.mark.parametrize(("way", "words"), [("dead_webhook", "failed calling webhook"), ("used_up_quota", "quota")])
def test_an_outage_leaves_the_messages_in_the_queue_and_then_all_are_scanned(
    outage: Outage, way: str, words: str
) -> None:
    place, keys = outage.place, [f"outage/{number}.log" for number in range(60)]
    operator = place.operator(lease_seconds=LEASE_SECONDS)
    eventually(lambda: operator.leading, 90, "a leader")
    end = applied(place, getattr(outage, way)())
    try:
        eventually(lambda: outage.refused("any.log"), 20, "LogScans to be refused")
        before = outage.trials()
        place.send(keys)
        eventually(lambda: operator.metric("logscan_intake_blocked") == 1, 30, "the breaker to open")
        eventually(lambda: outage.trials() >= before + TRIALS, 60, "several trials in vain")
        assert words in json.loads(operator.ask("/readyz"))["intake"]
        assert operator.metric("logscan_messages_received_total") <= MOST_HANDLED
        assert (place.scans(), outage.dead_letters()) == ({}, [])
    finally:
        end()
    eventually(lambda: place.phases() == {"Succeeded": len(keys)}, 120, "all to be scanned")
    eventually(place.queue_is_empty, 30, "the queue to be empty")
    assert outage.dead_letters() == []
    assert json.loads(operator.ask("/readyz"))["intake"] == "ok"
    assert operator.metric("logscan_intake_blocked") == 0


def test_one_object_that_is_refused_stops_nobody_and_becomes_a_dead_letter(outage: Outage) -> None:
    place = outage.place
    end = applied(place, *outage.policy_against("poison.log"))
    try:
        eventually(lambda: outage.refused("poison.log") and not outage.refused("good.log"), 30, "the policy to work")
        operator = place.operator(lease_seconds=LEASE_SECONDS)
        place.send(["poison.log"])
        place.send([f"good/{number}.log" for number in range(20)])
        eventually(lambda: place.phases() == {"Succeeded": 20}, 60, "the others to be scanned")
        (letter,) = eventually(outage.dead_letters, 60, "the dead letter")
        assert json.loads(letter)["key"] == "poison.log"
        assert operator.metric('logscan_messages_rejected_total{reason="not-created"}') == RECEIVES
        assert operator.metric("logscan_intake_blocked") == 0
    finally:
        end()


def test_bad_messages_of_every_kind_stop_nobody(outage: Outage) -> None:
    place = outage.place
    bad: list[Any] = ["[" * 100_000, json.dumps({"Records": [{"eventSource": "aws:ses", "ses": {}}]}), "garbage"]
    for number, body in enumerate(bad):
        place.sqs.send_message(
            QueueUrl=place.queue_url, MessageBody=body, MessageGroupId=f"b{number}", MessageDeduplicationId=f"b{number}"
        )
    place.send(["good.log"])
    place.operator(lease_seconds=LEASE_SECONDS)
    eventually(lambda: place.phases() == {"Succeeded": 1}, 60, "the good one to be scanned")
    found: set[str] = set()

    def all_dead() -> bool:
        found.update(outage.dead_letters())
        return found == set(bad)

    eventually(all_dead, 60, "the bad ones' dead letters")
