"""Names and keys: deterministic, valid for Kubernetes and DynamoDB whatever the object is called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from logscan_api.events import ObjectEvent
from logscan_api.identity import (
    content_hash,
    identity_hash,
    job_name,
    padded_sequencer,
    partition_key,
    scan_name,
    sort_key,
)

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
FACTS = st.none() | st.text("ab\0-", min_size=1, max_size=3)


def event(version: str | None = None, sequencer: str | None = None, etag: str | None = None) -> ObjectEvent:
    return ObjectEvent(bucket="logs", key="a.log", version_id=version, sequencer=sequencer, etag=etag)


@given(KEYS)
def test_any_key_gives_a_valid_name(key: str) -> None:
    name = scan_name(ObjectEvent(bucket="logs", key=key, etag="abc"))
    assert DNS_LABEL.fullmatch(name)
    assert len(name) <= 63
    assert job_name(name, 999) == f"{name}-999", "the name of a Job need not be cut"


def test_a_name_tells_the_file() -> None:
    named = ObjectEvent(bucket="logs", key="app/2026/Größe & Maß.LOG.gz", etag="abc")
    assert scan_name(named) == f"grosse-mass-log-gz-{identity_hash(named)}"


def test_a_hash_has_128_bits() -> None:
    for digest in (identity_hash(event("v")), content_hash("logs", "a.log", "abc")):
        assert re.fullmatch("[0-9a-f]{32}", digest)


def test_each_upload_is_a_scan_of_its_own_even_of_the_same_bytes() -> None:
    """A, B, A: three uploads, three scans, with versions and without."""
    for uploads in (
        [event("v1", "01", "a"), event("v2", "02", "b"), event("v3", "03", "a")],
        [event(None, "01", "a"), event(None, "02", "b"), event(None, "03", "a")],
        [event("null", "01", "a"), event("null", "02", "b"), event("null", "03", "a")],
    ):
        assert len({scan_name(upload) for upload in uploads}) == 3


def test_each_delivery_of_an_upload_is_the_same_scan() -> None:
    by_notification = event("v1", "0055AED6DCD90281E5", "a")
    assert scan_name(by_notification) == scan_name(event("v1")), "a version says it all"
    assert scan_name(event(None, "0055AE", "a")) == scan_name(event("null", "0055ae00", "a"))


def test_without_version_and_sequencer_the_content_decides() -> None:
    assert scan_name(event(etag="a")) == scan_name(event("null", etag="a")) != scan_name(event(etag="b"))


@given(st.tuples(FACTS, FACTS, FACTS), st.tuples(FACTS, FACTS, FACTS))
def test_different_events_never_share_an_identity(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> None:
    def facts(version: str | None, sequencer: str | None, etag: str | None) -> object:
        if version:
            return version
        return (padded_sequencer(sequencer), etag) if sequencer else (None, etag)

    assert (identity_hash(event(*one)) == identity_hash(event(*other))) == (facts(*one) == facts(*other))


def test_content_is_bucket_key_and_etag() -> None:
    contents = [("logs", "a", "b"), ("logs", "ab", ""), ("logsa", "", "b"), ("logs", "a", "c")]
    assert len({content_hash(*content) for content in contents}) == len(contents)


@given(st.text("abc.-", min_size=1, max_size=253), st.text("abc.-", min_size=1, max_size=253), st.integers(1, 10))
def test_two_scans_never_share_a_job(one: str, other: str, attempt: int) -> None:
    assert (job_name(one, attempt) == job_name(other, attempt)) == (one == other)
    assert len(job_name(one, attempt)) <= 63


def test_sequencers_of_different_lengths_compare_as_strings() -> None:
    assert padded_sequencer("0055AED6DCD90281E5") < padded_sequencer("0055aed6dcd90281e6")
    assert padded_sequencer("0056") > padded_sequencer("0055AED6DCD90281E5")


def test_the_row_of_a_version() -> None:
    assert partition_key("logs", "a/b") == "O#logs#a/b"
    assert sort_key("v1", "01", "abc", "uid", "hash") == "S#v1#hash"
    assert sort_key("null", "01", "abc", "uid", "hash") == f"S#{padded_sequencer('01')}#hash"
    assert sort_key(None, None, "abc", "uid", "hash") == "S#abc#hash"
    assert sort_key(None, None, None, "uid", "hash") == "S#uid:uid#hash"


def test_each_run_that_was_asked_for_has_a_row_of_its_own() -> None:
    runs = [sort_key("v1", None, None, "uid", "0123456789abcdef", prior) for prior in (None, 0, 1, 12)]
    assert runs[0] == "S#v1#0123456789abcdef"
    assert len(set(runs)) == 4
    assert len({sort_key("v1", None, None, uid, "0123456789abcdef", 1) for uid in ("uid", "other")}) == 2
    posing = sort_key("v1#0123456789abcdef#Ruid:1", None, None, "uid", "0123456789abcdef")
    assert posing not in runs, "a version cannot pose as a run"
