"""The circuit breaker: what it makes of refusals, and how it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_operator.aws import BATCH
from logscan_operator.breaker import DOUBTS, HEALTHY, MOST_SECONDS, Breaker, State, is_outage
from logscan_operator.errors import ApiError


def test_each_refusal_in_a_row_makes_the_pause_longer_up_to_a_minute() -> None:
    breaker, pauses = HEALTHY, []
    for _ in range(8):
        breaker = breaker.opened("down", 100.0)
        pauses.append(breaker.due - 100.0)
    assert (breaker.state, breaker.reason) == (State.OPEN, "down")
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_it_comes_back_slowly_and_then_wholly() -> None:
    breaker = HEALTHY.opened("down", 0.0).closed()
    received = [breaker.most]
    while breaker != HEALTHY:
        breaker = breaker.stored()
        received.append(breaker.most)
    assert received == [1, 2, 4, 8, 10]


def test_refused_again_before_it_is_whole_it_goes_on_where_it_was() -> None:
    once = HEALTHY.opened("quota", 0.0).closed().stored()
    again = once.opened("quota", 0.0)
    assert (again.due, again.most, again.closed().most) == (4.0, 1, 1)


def test_what_the_server_fails_for_is_everyones_once_it_is_several() -> None:
    breaker = HEALTHY
    for _ in range(9):
        breaker = breaker.failed_for("poison", "etcd", 0.0)
    assert breaker.state is State.CLOSED, "one object never stops the others"
    assert breaker.stored() == HEALTHY
    for number in range(DOUBTS):
        assert breaker.state is State.CLOSED
        breaker = breaker.failed_for(f"scan-{number}", "etcd", 0.0)
        breaker = breaker if number else breaker.stored().failed_for("scan-0", "etcd", 0.0)
    assert breaker.state is State.OPEN


@pytest.mark.parametrize(
    ("status", "message", "outage"),
    [
        (500, 'failed calling webhook "x": connection refused', True),
        (503, "", True),
        (429, "too many requests", True),
        (401, "Unauthorized", True),
        (404, "the server could not find the requested resource", True),
        (
            403,
            'logscans.logscan.dev "a" is forbidden: exceeded quota: q, requested: count/logscans.logscan.dev=1',
            True,
        ),
        (403, 'User "x" cannot create resource "logscans" in API group "logscan.dev"', True),
        (403, "spec.source.s3.bucket: namespace logscan may not scan private", False),
        (400, 'admission webhook "x" denied the request', False),
        (422, "spec.source.s3.key: Too long", False),
    ],
)
def test_what_does_not_depend_on_the_object(status: int, message: str, outage: bool) -> None:
    assert is_outage(ApiError(status, "", message)) is outage


STEPS = st.lists(st.sampled_from(["opened", "half_opened", "closed", "stored", "failed_for"]), max_size=30)


@given(STEPS)
def test_whatever_happens_it_can_come_back(steps: list[str]) -> None:
    breaker = HEALTHY
    for number, step in enumerate(steps):
        match step:
            case "opened":
                breaker = breaker.opened("down", 0.0)
            case "failed_for":
                breaker = breaker.failed_for(str(number), "down", 0.0)
            case _:
                breaker = getattr(breaker, step)()
        assert 1 <= breaker.most <= BATCH
        assert breaker.due <= MOST_SECONDS
    breaker = breaker.closed()
    for _ in range(5):
        breaker = breaker.stored()
    assert breaker == Breaker()
