"""Names and keys: deterministic, valid for Kubernetes and DynamoDB whatever the object is called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from logscan_api.events import ObjectEvent
from logscan_api.identity import (
    identity_hash,
    job_name,
    padded_sequencer,
    partition_key,
    scan_name,
    sort_key,
)

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@given(KEYS)
def test_any_key_gives_a_valid_name(key: str) -> None:
    name = scan_name(ObjectEvent(bucket="logs", key=key, etag="abc"))
    assert DNS_LABEL.fullmatch(name)
    assert len(job_name(name, 10)) <= 63


def test_a_name_tells_the_file() -> None:
    event = ObjectEvent(bucket="logs", key="app/2026/Größe & Maß.LOG.gz", etag="abc")
    assert scan_name(event) == f"grosse-mass-log-gz-{identity_hash(event)}"


def test_equal_content_at_a_key_is_one_scan() -> None:
    first = ObjectEvent(bucket="logs", key="a.log", etag="abc", version_id="v1", sequencer="01")
    again = ObjectEvent(bucket="logs", key="a.log", etag="abc", version_id="v2", sequencer="02")
    other = ObjectEvent(bucket="logs", key="a.log", etag="abd", version_id="v3", sequencer="03")
    assert scan_name(first) == scan_name(again) != scan_name(other)


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
