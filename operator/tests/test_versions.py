"""Versions of an object: whatever the order in which their messages come, the newest is scanned."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import SETTINGS, scan_body, synced_view

from logscan_api.events import ObjectEvent
from logscan_api.identity import content_hash, padded_sequencer
from logscan_api.policies import LogScanPolicySpec, Unchanged
from logscan_api.rules import RuleSelection
from logscan_operator.actions import Stop
from logscan_operator.deciding import Ignored, decide
from logscan_operator.holds import Holds
from logscan_operator.items import Object
from logscan_operator.planning import plan
from logscan_operator.statuses import utc_now
from logscan_operator.view import View

ALL = {"default": LogScanPolicySpec(rules=RuleSelection(packs=["generic"]))}
SKIP = {"default": LogScanPolicySpec(rules=RuleSelection(packs=["generic"]), unchanged=Unchanged.SKIP)}


class Cluster:
    """A view, and what happens to it."""

    def __init__(self) -> None:
        self.view = synced_view()
        self.version = 10

    def write(self, body: Object, **status: Any) -> None:
        """Store a LogScan, as the API server would."""
        self.version += 1
        facts: Object = {"uid": f"uid-{body['metadata']['name']}", "creationTimestamp": "2026-11-24T08:00:00Z"}
        facts |= {"resourceVersion": str(self.version), "generation": self.version}
        metadata = {**body["metadata"], **facts}
        self.view.scans.take({**body, "metadata": metadata, "status": status})

    def arrive(self, event: ObjectEvent, policies: dict[str, LogScanPolicySpec] = ALL) -> Object | None:
        """Handle a message as the intake does; return the LogScan if one was made."""
        decision = decide(event, policies, None, "logscan", self.view.scanned)
        assert isinstance(decision, dict | Ignored)
        if isinstance(decision, Ignored) or ("logscan", decision["metadata"]["name"]) in self.view.scans:
            return None
        self.write(decision)
        return decision

    def settle(self, made: dict[str, Object]) -> None:
        """Cancel what the plan cancels."""
        for action in plan(self.view, SETTINGS, utc_now(), {}, Holds(SETTINGS)):
            if isinstance(action, Stop):
                self.write(made[action.scan.key[1]], phase="Cancelled", reason="Superseded")


def upload(sequencer: str, etag: str, version: str | None = None) -> ObjectEvent:
    return ObjectEvent(bucket="logs", key="a.log", sequencer=sequencer, etag=etag, version_id=version, size=1)


@pytest.mark.parametrize("versions", [(None, None, None), ("v1", "v2", "v3")])
@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_b_a_ends_with_a_scanned_in_any_order(order: tuple[int, ...], settled: bool, versions: Any) -> None:
    uploads = [upload(f"0{n}", etag, version) for n, etag, version in zip((1, 2, 3), "aba", versions, strict=True)]
    cluster, made = Cluster(), dict[str, Object]()
    for number in (*order, *order):  # and all of it delivered twice
        scan = cluster.arrive(uploads[number])
        if scan:
            made[scan["metadata"]["name"]] = scan
        if settled:
            cluster.settle(made)
    cluster.settle(made)
    assert len(made) == 3
    (left,) = (name for _, name in cluster.view.unfinished)
    assert made[left]["spec"]["source"]["s3"]["sequencer"] == "03"


@given(st.lists(st.tuples(st.text("0123456789ABCDEF", min_size=1, max_size=4), st.sampled_from("ab")), max_size=8))
def test_only_an_older_version_gives_way_and_always_to_the_newest(arrivals: list[tuple[str, str]]) -> None:
    cluster = Cluster()
    for sequencer, etag in arrivals:
        cluster.arrive(upload(sequencer, etag))
    newest = max((padded_sequencer(sequencer) for sequencer, _ in arrivals), default="")

    def sequencer_of(key: tuple[str, str]) -> str:
        spec = cluster.view.scans[key].spec
        assert spec is not None
        return padded_sequencer(spec.source.s3.sequencer or "")

    outdated = cluster.view.versions.outdated()
    assert {sequencer_of(key) for key in cluster.view.scans.keys() - outdated.keys()} == (
        {newest} if arrivals else set()
    )
    assert {sequencer_of(("logscan", name)) for name in outdated.values()} <= {newest}


def test_without_sequencers_nobody_knows_which_is_newer() -> None:
    cluster = Cluster()
    for etag in "ab":
        cluster.arrive(ObjectEvent(bucket="logs", key="a.log", etag=etag))
    assert cluster.view.versions.outdated() == {}


@pytest.mark.parametrize(
    "change", [{"metadata": {"deletionTimestamp": "2026-11-24T09:00:00Z"}}, {"spec": {"cancel": True}}]
)
def test_a_newer_one_that_is_given_up_takes_no_other_along(change: Object) -> None:
    cluster = Cluster()
    cluster.arrive(upload("01", "a"))
    newer = cluster.arrive(upload("02", "b"))
    assert newer is not None
    assert len(cluster.view.versions.outdated()) == 1
    cluster.write({**newer, **{part: {**newer[part], **fields} for part, fields in change.items()}})
    assert cluster.view.versions.outdated() == {}


@pytest.mark.parametrize(
    ("status", "again"),
    [
        ({}, True),  # a version in between may supersede it
        ({"phase": "Running"}, True),
        ({"phase": "Succeeded"}, False),
        ({"phase": "Failed"}, True),
        ({"phase": "Cancelled", "reason": "Superseded"}, True),
    ],
)
def test_what_is_unchanged_is_skipped_once_its_scan_has_succeeded(status: Object, again: bool) -> None:
    cluster = Cluster()
    first = cluster.arrive(upload("01", "a", "v1"), SKIP)
    assert first is not None
    cluster.write(first, **status)
    assert (cluster.arrive(upload("02", "a", "v2"), SKIP) is not None) is again
    assert cluster.arrive(upload("03", "b", "v3"), SKIP) is not None, "other content is scanned"
    assert cluster.arrive(upload("04", "a", "v4"), ALL) is not None, "without the setting everything is"


@pytest.mark.parametrize("status", [{}, {"phase": "Succeeded"}, {"phase": "Failed"}])
@pytest.mark.parametrize("policies", [ALL, SKIP])
def test_the_same_message_again_changes_nothing(status: Object, policies: dict[str, LogScanPolicySpec]) -> None:
    cluster = Cluster()
    first = cluster.arrive(upload("01", "a"), policies)
    assert first is not None
    cluster.write(first, **status)
    assert cluster.arrive(upload("01", "a"), policies) is None


def test_an_unfinished_scan_counts_if_no_older_version_supersedes_it() -> None:
    cluster = Cluster()
    assert cluster.arrive(upload("03", "a"), SKIP) is not None
    assert cluster.arrive(upload("01", "a"), SKIP) is None, "the newer one is scanned"
    assert cluster.arrive(ObjectEvent(bucket="logs", key="a.log", etag="a", version_id="v"), SKIP) is not None
    cluster = Cluster()
    assert cluster.arrive(ObjectEvent(bucket="logs", key="a.log", etag="a", version_id="v"), SKIP) is not None
    assert cluster.arrive(upload("01", "a"), SKIP) is None, "nothing supersedes a scan without a sequencer"


@given(st.permutations("0123456"), st.lists(st.sampled_from("abc"), min_size=7, max_size=7), st.data())
def test_the_newest_content_is_scanned_in_any_order(order: list[str], etags: list[str], data: st.DataObject) -> None:
    """With `unchanged: Skip`, on a queue without order, while scans are superseded, and succeed in between."""
    cluster, made = Cluster(), dict[str, Object]()
    for sequencer in [*order, *order[:3]]:
        if scan := cluster.arrive(upload(sequencer, etags[int(sequencer)]), SKIP):
            made[scan["metadata"]["name"]] = scan
        if data.draw(st.booleans()):
            cluster.settle(made)
        left = sorted(name for _, name in cluster.view.unfinished)
        if data.draw(st.booleans()) and left:
            cluster.write(made[data.draw(st.sampled_from(left))], phase="Succeeded")
    cluster.settle(made)
    scans = cluster.view.scans.values()
    assert etags[6] in {made[s.key[1]]["spec"]["source"]["s3"]["etag"] for s in scans if s.status.phase != "Cancelled"}


def test_scans_of_other_namespaces_and_contents_do_not_count() -> None:
    content = content_hash("logs", "a.log", "a")
    body = scan_body("theirs", status={"phase": "Succeeded"})
    body["metadata"] |= {"namespace": "team-a", "labels": {"logscan.dev/content": content}}
    view = View()
    view.scans.take(body)
    assert view.scanned("team-a", content, "01") == "theirs"
    assert view.scanned("logscan", content, "01") is None
    view.scans.forget(("team-a", "theirs"))
    assert view.scanned("team-a", content, "01") is None
    assert view.contents.of(content) == ()
