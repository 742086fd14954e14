"""What users of operators like this one complain about most, each as a test on a real control plane.

A fake kubelet ends pods, so that what is tested is the operator; see `logscan_local.testkit.fakekubelet`.
"""

import os
import random

import pytest
from places import NewPlace

from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]
MESSAGES = int(os.environ.get("LOGSCAN_TEST_MESSAGES", "80"))  # `make bench-operator` sends a thousand


def test_duplicates_and_kills_leave_one_scan_job_and_row_for_each_object(new_place: NewPlace) -> None:
    place, chance = new_place(), random.Random(1)
    keys = [f"burst/{n}.log" for n in range(MESSAGES)]
    place.send(keys)
    place.send([key for key in keys if chance.random() < 0.3], repeat="again")

    def succeeded() -> int:
        place.operators[-1].restart_if_ended()
        return place.phases().get("Succeeded", 0)

    for _ in range(4):
        # Killed at another moment of its work each time, but not before it did some.
        operator = place.operator(max_concurrent="8")
        goal = min(succeeded() + 1 + chance.randrange(len(keys) // 5), len(keys) - 1)
        eventually(lambda goal=goal: succeeded() >= goal, 180 + MESSAGES / 5, "some work")  # type: ignore[misc]
        operator.kill()
    place.operator(max_concurrent="8")
    eventually(lambda: succeeded() == len(keys), 90 + MESSAGES / 5, "all scans to end")
    eventually(place.queue_is_empty, 30, "the queue to be empty")
    assert set(place.scans()) == {place.name_of(key) for key in keys}
    assert sorted(place.jobs.created) == sorted(f"{place.name_of(key)}-1" for key in keys)
    assert place.jobs.most_active <= 8


def test_a_limit_of_one_is_one_from_the_first_moment_and_finished_jobs_hold_no_slot(new_place: NewPlace) -> None:
    place = new_place()
    place.apply(*(place.manifest(f"s{n}") for n in range(30)))
    place.operator(max_concurrent="1")
    eventually(lambda: place.phases().get("Succeeded") == 30, 60, "all scans to end")
    assert place.jobs.most_active == 1
    assert len(place.kubectl.get("jobs")["items"]) == 30, "finished Jobs are kept, and did not matter"


def test_a_row_is_success_even_if_job_and_pod_are_gone(new_place: NewPlace) -> None:
    place = new_place()
    operator = place.operator()
    place.scan("gone", {"fake-kubelet/hold": "yes"})
    place.until("gone", phase="Running")
    operator.kill()
    (pod,) = eventually(lambda: place.kubectl.get("pods")["items"], 20, "the pod")
    place.kubectl.run("label", "pod", pod["metadata"]["name"], "fake-kubelet/hold-")
    eventually(lambda: place.kubectl.get("pods")["items"][0]["status"]["phase"] == "Succeeded", 20, "the pod's end")
    place.kubectl.run("delete", "job", "gone-1")
    place.operator()
    status = place.until("gone", phase="Succeeded")
    assert (status["attempts"], status["summary"]["lines"]) == (1, 100)


def test_a_namespace_goes_while_the_operator_is_down(new_place: NewPlace) -> None:
    place = new_place()
    operator = place.operator()
    place.scan("held", {"fake-kubelet/hold": "yes"})
    place.scan("done")
    place.until("held", phase="Running")
    place.until("done", phase="Succeeded")
    operator.kill()
    place.kubectl.run("delete", "namespace", place.namespace, "--wait=true", "--timeout=60s", timeout=70)


def test_a_newer_version_supersedes_an_older_one(new_place: NewPlace) -> None:
    place, held = new_place(), {"fake-kubelet/hold": "yes"}
    place.operator()

    def source(sequencer: str) -> Object:
        return {"s3": {"bucket": "logs", "key": "same.log", "etag": sequencer, "sequencer": sequencer}}

    place.scan("older", held, source=source("0055"))
    place.until("older", phase="Running")
    place.scan("newer", source=source("0056"))
    status = place.until("older", phase="Cancelled", reason="Superseded")
    assert "newer" in status["message"]
    place.until("newer", phase="Succeeded")
