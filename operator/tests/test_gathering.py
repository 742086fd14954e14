"""Lists of objects: when they are full, and which version of a key they have."""

import random
import string

from hypothesis import given
from hypothesis import strategies as st

from logscan_api.requests import ObjectRows, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.sources import MOST_OBJECTS, OBJECTS_BYTES, S3Object, S3Source
from logscan_api.statuses import ResultRef
from logscan_operator.gathering import PACKED_BYTES, Bounds, Gathering

ANY = Bounds(MOST_OBJECTS, 1 << 50)


def gathered(objects: list[S3Object], bounds: Bounds = ANY) -> list[S3Object]:
    """Return those of some objects that come before the first that does not fit."""
    gathering = Gathering(bounds)
    for found in objects:
        if not gathering.add(found):
            break
    return gathering.objects


def noise(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits, k=length))


def request_bytes(objects: list[S3Object]) -> int:
    """Return how much longer the variables of a Job are for some objects."""
    chance = random.Random(1)

    def length(found: list[S3Object]) -> int:
        request = ScanRequest(
            scan=ScanIdentity(namespace="n", name="a", uid="u", attempt=1),
            source=S3Source(bucket="logs", objects=found),
            rules=[Rule(name=f"r{n}", pattern=noise(chance, 1000)) for n in range(20)],  # it is packed in any case
            limits=resolve_limits(),
            tokens=["t" * 64],
            result=ResultRef(table="t", pk="p", sk="s"),
            rows=ObjectRows(outcome="0" * 16, tokens=[[chance.randbytes(32).hex()] * 2 for _ in found]),
        )
        return len(request.to_variable())

    return length(objects) - length(objects[:1])


def test_a_list_is_closed_before_its_request_is_long() -> None:
    chance = random.Random(1)
    for length in (20, 200, 1024):
        drawn = [
            S3Object(key=f"logs/{noise(chance, length - 5)}", version_id=noise(chance, 32), etag=noise(chance, 32))
            for _ in range(MOST_OBJECTS)
        ]
        kept = gathered(drawn)
        assert PACKED_BYTES / 2 < request_bytes(kept) <= PACKED_BYTES, (length, len(kept))


def test_keys_that_differ_little_fill_a_list_to_its_length() -> None:
    keys = [f"AWSLogs/123456789012/CloudTrail/eu-central-1/2026/11/27/{n:06}.json.gz" for n in range(2000)]
    objects = [S3Object(key=key, size=20_000) for key in keys]
    assert len(gathered(objects)) == MOST_OBJECTS
    assert len(gathered(objects, Bounds(500, 1 << 50))) == 500
    assert len(gathered(objects, Bounds(500, 1_000_000))) == 50


def test_the_text_of_a_list_is_bounded_as_the_api_server_bounds_it() -> None:
    objects = [S3Object(key=f"{'x' * 1000}{n:04}") for n in range(1000)]
    kept = gathered(objects)
    assert sum(len(found.key) for found in kept) <= OBJECTS_BYTES < sum(len(found.key) for found in kept) + 1004


def test_an_object_larger_than_the_bound_is_listed_alone() -> None:
    gathering = Gathering(Bounds(500, 10))
    assert gathering.add(S3Object(key="large", size=11))
    assert (gathering.full, gathering.add(S3Object(key="small", size=1))) == (True, False)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 0xFFF)), max_size=20))
def test_the_newest_version_of_a_key_is_kept(events: list[tuple[str, int]]) -> None:
    gathering, newest = Gathering(ANY), dict[str, int]()
    for key, number in events:
        assert gathering.add(S3Object(key=key, sequencer=f"{number:04X}"))
        newest[key] = max(newest.get(key, 0), number)
    assert {found.key: found.sequencer for found in gathering.objects} == {k: f"{n:04X}" for k, n in newest.items()}


def test_without_sequencers_the_later_message_counts() -> None:
    gathering = Gathering(ANY)
    assert all(gathering.add(S3Object(key="a", etag=etag)) for etag in ("1", "2"))
    assert [found.etag for found in gathering.objects] == ["2"]


def test_where_every_version_is_scanned_a_key_is_listed_once() -> None:
    gathering = Gathering(ANY)
    assert gathering.add(S3Object(key="a", etag="1"), supersede=False)
    assert not gathering.add(S3Object(key="a", etag="2"), supersede=False)
