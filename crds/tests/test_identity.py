"""Names and keys: deterministic, valid for Kubernetes and DynamoDB whatever the object is called."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from logscan_api.events import ObjectEvent
from logscan_api.identity import (
    content_hash,
    identity_hash,
    job_name,
    notice_name,
    padded_sequencer,
    partition_key,
    scan_name,
    sort_key,
)
from logscan_api.sources import S3Source

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


@given(st.text("abc.-1", min_size=1, max_size=253).map("a{}".format), st.text(), st.text(), st.integers(1, 10**6))
def test_a_notice_has_a_name_of_its_own(name: str, uid: str, other: str, attempt: int) -> None:
    found = notice_name(name, uid, attempt)
    assert len(found) <= 63
    assert re.fullmatch(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?", found)
    assert not re.search(r"-[0-9]+\Z", found), "the Job of an attempt ends with its number"
    assert (found == notice_name(name, other, attempt)) == (uid == other)
    assert found != notice_name(name, uid, attempt + 1)


def test_sequencers_of_different_lengths_compare_as_strings() -> None:
    assert padded_sequencer("0055AED6DCD90281E5") < padded_sequencer("0055aed6dcd90281e6")
    assert padded_sequencer("0056") > padded_sequencer("0055AED6DCD90281E5")


def source(key: str | None = "a/b", prefix: str | None = None, **facts: str | None) -> S3Source:
    return S3Source.model_validate({"bucket": "logs", "key": key, "prefix": prefix, **facts})


OUTCOME = "0123456789abcdef"


def test_the_row_of_a_version() -> None:
    assert partition_key("team-a", source()) == "team-a#O#logs#a/b"
    assert partition_key("team-a", source(None, "a/")) == "team-a#P#logs#a/"
    known = {"sequencer": "01", "etag": "abc"}
    assert sort_key(source(version_id="v1", **known), "uid", OUTCOME, own=False) == f"S#V:v1#{OUTCOME}"
    assert (
        sort_key(source(version_id="null", **known), "uid", OUTCOME, own=False)
        == f"S#Q:{padded_sequencer('01')}#{OUTCOME}"
    )
    assert sort_key(source(etag="abc"), "uid", OUTCOME, own=False) == f"S#E:abc#{OUTCOME}"
    assert sort_key(source(), "uid", OUTCOME, own=False) == f"S#U:uid#{OUTCOME}"


def test_long_versions_have_rows_of_their_own() -> None:
    versions = ["v" * 1024, "v" * 1023 + "w", "é" * 512, "v" * 512]
    rows = {sort_key(source(version_id=version), "uid", OUTCOME, own=False) for version in versions}
    assert len(rows) == 4
    assert f"S#V:{'v' * 512}#{OUTCOME}" in rows


@given(
    st.fixed_dictionaries(
        {"versionId": st.integers(0, 1024), "sequencer": st.integers(0, 64), "etag": st.integers(0, 128)}
    ),
    st.sampled_from("aé😀"),
    st.booleans(),
)
def test_every_row_has_a_key_that_dynamodb_accepts(lengths: dict[str, int], letter: str, own: bool) -> None:
    """DynamoDB takes 2,048 bytes of a partition key and 1,024 of a sort key (Developer Guide, "Constraints")."""
    size = len(letter.encode())
    facts = {name: letter * min(length, 1024 // size) or None for name, length in lengths.items()}
    scanned = S3Source.model_validate({"bucket": "b" * 255, "key": letter * (1024 // size), **facts})
    assert len(partition_key("n" * 63, scanned).encode()) <= 2048
    row = sort_key(scanned, "5b0ba0d4-0a5a-4f4c-8d43-8dbbf5bd3a7e", OUTCOME, own, prior_attempts=2**53)
    assert len(row.encode()) <= 1024


def test_a_scan_made_by_hand_has_a_row_of_its_own_whatever_version_its_author_wrote() -> None:
    for facts in ({"version_id": "v1"}, {"sequencer": "FF"}, {"etag": "abc"}, {}):
        assert sort_key(source(**facts), "uid", OUTCOME, own=True) == f"S#U:uid#{OUTCOME}"


def test_an_object_and_a_prefix_share_no_row() -> None:
    assert partition_key("n", source("app")) != partition_key("n", source(None, "app"))


PARTS = st.text("a#:SVQEUR0", min_size=1, max_size=4)
SOURCES = st.builds(
    lambda bucket, text, is_key, facts: S3Source.model_validate(
        {"bucket": f"b{bucket}-1", "key" if is_key else "prefix": text, **facts}
    ),
    st.integers(1, 2),
    PARTS,
    st.booleans(),
    st.fixed_dictionaries({"versionId": st.none() | PARTS, "sequencer": st.none() | PARTS, "etag": st.none() | PARTS}),
)
SCANS = st.tuples(
    st.sampled_from(["team-a", "team-b"]),
    SOURCES,
    st.sampled_from(["5b0ba0d4-0a5a-4f4c-8d43-8dbbf5bd3a7e", "7f0ba0d4-0a5a-4f4c-8d43-8dbbf5bd3a7e"]),
    st.sampled_from([OUTCOME, "fedcba9876543210"]),
    st.booleans(),
    st.none() | st.integers(0, 2),
)


@given(SCANS, SCANS)
def test_two_scans_share_a_row_only_if_they_are_the_same(one: Any, other: Any) -> None:
    def facts(namespace: str, scanned: S3Source, uid: str, ruleset: str, own: bool, prior: int | None) -> object:
        if own:
            version = ["uid", uid]
        elif scanned.version_id:
            version = ["version", scanned.version_id]
        elif scanned.sequencer:
            version = ["sequencer", padded_sequencer(scanned.sequencer)]
        else:
            version = ["etag", scanned.etag] if scanned.etag else ["uid", uid]
        run = None if prior is None else (uid, prior)
        return namespace, scanned.bucket, scanned.key, scanned.prefix, version, ruleset, run

    keys = [(partition_key(*scan[:2]), sort_key(*scan[1:])) for scan in (one, other)]
    assert (keys[0] == keys[1]) == (facts(*one) == facts(*other))


def test_each_run_that_was_asked_for_has_a_row_of_its_own() -> None:
    runs = [
        sort_key(source(version_id="v1"), "uid", OUTCOME, own=False, prior_attempts=prior) for prior in (None, 0, 1, 12)
    ]
    assert len(set(runs)) == 4
    assert (
        len({sort_key(source(version_id="v1"), uid, OUTCOME, own=False, prior_attempts=1) for uid in ("uid", "other")})
        == 2
    )
    posing = sort_key(source(version_id=f"v1#{OUTCOME}#Ruid:1"), "uid", OUTCOME, own=False)
    assert posing not in runs, "a version cannot pose as a run"
