"""S3 notifies a standard queue, without the forwarder: on a real control plane, with the emulator's notifications.

Nothing orders them, and nothing keeps repeated ones away.
"""

import json
from collections.abc import Iterator

import pytest
from notified import NotifiedQueue
from places import PATIENT, Place

from logscan_api.events import ObjectEvent, read_message
from logscan_api.identity import padded_sequencer, scan_name
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]
KEYS = ["app/größe +%41.log", "a b.log", "c+d.log", "plain.log"]
VERSIONS = 3


@pytest.fixture
def queue(place: Place) -> Iterator[NotifiedQueue]:
    with NotifiedQueue(place) as made:
        yield made


def uploaded(queue: NotifiedQueue, bodies: list[str]) -> list[ObjectEvent]:
    """Return what S3 announces in messages, in the order of the uploads."""
    events = [event for body in bodies for event in read_message(body).events]
    assert {event.bucket for event in events} == {queue.bucket}
    return sorted(events, key=lambda event: padded_sequencer(event.sequencer or ""))


def test_each_version_is_scanned_once_whatever_the_order_of_its_notifications(
    place: Place, queue: NotifiedQueue
) -> None:
    for version in range(VERSIONS):
        for key in KEYS:
            queue.upload(key, b"ERROR\n" * (version + 1))
    queue.upload("folder/", b"")
    bodies = queue.taken(2 + VERSIONS * len(KEYS))
    assert [json.loads(body).get("Event") for body in bodies].count("s3:TestEvent") == 1
    events = uploaded(queue, bodies)
    assert [event.key for event in events] == KEYS * VERSIONS
    for body in [*reversed(bodies), *bodies]:
        queue.send(body)
    place.operator(None, queue_urls=queue.url, **PATIENT)
    names = {scan_name(event): event for event in events}
    eventually(queue.is_empty, 180, "the queue to be empty")
    assert place.scans().keys() == names.keys()
    for event in events[-len(KEYS) :]:
        place.until(scan_name(event), phase="Succeeded")

    def ended() -> bool:
        return all(status["phase"] in ("Succeeded", "Cancelled") for status in place.scans().values())

    eventually(ended, 180, lambda: f"all scans to end ({place.phases()}); this")
    assert {s["reason"] for s in place.scans().values() if s["phase"] == "Cancelled"} <= {"Superseded"}
    assert len(place.jobs.created) == len(set(place.jobs.created)), "no scan ran twice"
    assert queue.dead_letters() == []
    specs = {s["metadata"]["name"]: s["spec"]["source"]["s3"] for s in place.kubectl.get("logscans")["items"]}
    for name, event in names.items():
        assert (specs[name]["key"], specs[name]["versionId"]) == (event.key, event.version_id)


def test_a_bad_record_takes_its_message_to_the_dead_letters_and_no_other_record_along(
    place: Place, queue: NotifiedQueue
) -> None:
    for key in KEYS:
        queue.upload(key)
    bodies = queue.taken(1 + len(KEYS))
    records = [record for body in bodies for record in json.loads(body).get("Records", [])]
    bad = {**records[0], "s3": {**records[0]["s3"], "object": {"key": "%ff.log", "size": 3}}}
    mixed = json.dumps({"Records": [*records[:2], bad, *records[2:]]})
    queue.send(mixed)
    place.operator(None, queue_urls=queue.url, **PATIENT)
    eventually(lambda: queue.dead_letters() == [mixed], 180, "the message to become a dead letter")
    wanted = {scan_name(event) for event in uploaded(queue, bodies)}
    assert len(wanted) == len(KEYS)
    for name in wanted:
        place.until(name, phase="Succeeded")
    assert place.scans().keys() == wanted, "receiving it again made nothing twice"
    assert sorted(place.jobs.created) == sorted(f"{name}-1" for name in wanted)
