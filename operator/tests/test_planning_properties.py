"""What holds for the plans of any cluster: they keep the limits, starve nobody, and come to rest."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import (
    BACKOFF,
    ENDED,
    NOW,
    REFUSED,
    RUNNING,
    SETTINGS,
    in_namespace,
    job_body,
    names,
    scan_body,
    stamp,
    view_of,
)

from logscan_api.exitcodes import Reason
from logscan_api.statuses import Phase
from logscan_operator import statuses
from logscan_operator.actions import Action, CreateJob, Stop, SuspendJob, WriteStatus
from logscan_operator.conditions import Verdict
from logscan_operator.holds import Holds
from logscan_operator.items import Key, Object
from logscan_operator.outcomes import backoff_seconds
from logscan_operator.planning import plan
from logscan_operator.view import View

PHASES = st.sampled_from([{}, RUNNING, ENDED, BACKOFF, REFUSED, {"phase": "Suspended"}, {"phase": "Queued"}])
SUSPENDED = st.sampled_from([False, False, "ours", "other", "kueue"])
ENDS = st.sampled_from([None, "Complete", "Failed"])


@st.composite
def clusters(draw: st.DrawFn) -> list[Object]:
    """Draw LogScans in all states, some with Jobs, in any order."""
    bodies = []
    for number in range(draw(st.integers(0, 8))):
        name = f"s{number}"
        spec: dict[str, Any] = {"priority": draw(st.integers(-2, 2)), "suspend": draw(st.booleans())}
        spec["cancel"] = draw(st.sampled_from([False, False, True]))
        spec["retry"] = draw(st.sampled_from([None, None, "x"]))
        bodies.append(scan_body(name, draw(st.integers(0, 100)), status=dict(draw(PHASES)), **spec))
        for attempt in range(1, draw(st.integers(0, 2)) + 1):
            last = draw(ENDS) if attempt == 1 else None
            bodies.append(job_body(name, attempt, ended=last, suspend=draw(SUSPENDED), started=stamp(-400)))
    return draw(st.permutations(bodies))


def running(view: View) -> int:
    """Return how many Jobs hold a slot."""
    return sum(1 for job in view.live_jobs.values() if not job.suspended)


def applied(view: View, actions: list[Action]) -> View:
    """Return the view after the actions were carried out, as the API server would show it."""
    for action in actions:
        body = scan_body(action.scan.key[1])
        body["metadata"]["creationTimestamp"] = statuses.stamp(action.scan.created)
        body["metadata"]["resourceVersion"] = str(action.scan.version + 1)
        body["metadata"]["namespace"] = action.scan.key[0]
        assert action.scan.spec is not None
        body["spec"] = action.scan.spec.wire()
        if isinstance(action, CreateJob):
            made = job_body(action.scan.key[1], action.attempt)
            view.jobs.take(made)
            status = statuses.running(action.scan, view.jobs["logscan", made["metadata"]["name"]], NOW)
        elif isinstance(action, WriteStatus | Stop):
            status = action.status
            if isinstance(action, Stop) and action.job is not None:
                view.jobs.forget(action.job.key)
        elif isinstance(action, SuspendJob):
            changed = job_body(action.scan.key[1], action.job.attempt, suspend="ours" if action.suspend else False)
            changed["metadata"]["resourceVersion"] = str(action.job.version + 1)
            view.jobs.take(changed)
            continue
        else:
            verdict = Verdict(Phase.SUCCEEDED, Reason.COMPLETED, "")
            status = statuses.finished(action.scan, verdict, NOW)
        body["status"] = status.wire()
        view.scans.take(body)
    return view


@given(clusters())
def test_for_any_cluster(bodies: list[Object]) -> None:
    view = view_of(*bodies)
    before = running(view)
    actions = plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))
    assert plan(view_of(*reversed(bodies)), SETTINGS, NOW, {}, Holds(SETTINGS)) == actions, (
        "the order of the input matters"
    )
    keys = [action.scan.key for action in actions]
    assert len(set(keys)) == len(keys), "two actions for one scan"
    for action in actions:
        if isinstance(action, CreateJob):
            unfinished = [j for j in view.jobs.values() if j.scan_uid == action.scan.uid and j.ended is None]
            newest = view.newest_job(action.scan)
            assert newest is None or newest.ended is not None or not unfinished, "two Jobs for one scan"
    after = applied(view, actions)
    assert running(after) <= max(SETTINGS.max_concurrent, before), "over the limit"


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 3))
def test_scans_that_are_refused_starve_nobody(refused: int, wanted: int, priority: int) -> None:
    """Jobs of one namespace are refused each time; those of the other run, two at a time, as if it were alone."""
    bad = [in_namespace(scan_body(f"r{n}", 1000 - n, priority=priority), "team-a") for n in range(refused)]
    view, holds = view_of(*bad, *(scan_body(f"s{n}", wanted - n) for n in range(wanted))), Holds(SETTINGS)
    for second in range(wanted + 4 * refused + 4):
        now = NOW + timedelta(seconds=second)
        for action in plan(view, SETTINGS, now, {}, holds):
            if action.scan.key[0] == "team-a" and isinstance(action, CreateJob):
                refusals = (action.scan.status.refusals or 0) + 1
                at = now + timedelta(seconds=backoff_seconds(refusals, SETTINGS))
                verdict = Verdict(Phase.QUEUED, Reason.QUOTA_EXCEEDED, "no")
                status = statuses.withdrawn(action.scan, None, verdict, at, now, refusals)
                applied(view, [WriteStatus(action.scan, status)])
            else:
                applied(view, [action])
        for ended in [job.key for job in view.live_jobs.values()]:
            view.jobs.take({**job_body(ended[1][:-2], ended="Complete"), **newer(view, ended)})
        if all(scan.finished for scan in view.scans.values() if scan.key[0] == "logscan"):
            return
    pytest.fail("refused scans kept the others from running")


def newer(view: View, key: Key) -> Object:
    """Return metadata of the next version of a Job."""
    body = job_body(key[1][:-2])
    return {"metadata": {**body["metadata"], "resourceVersion": str(view.jobs[key].version + 1)}}


@given(clusters())
def test_planning_comes_to_rest(bodies: list[Object]) -> None:
    view = view_of(*bodies)
    for _ in range(8):
        actions = plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))
        if not actions:
            return
        view = applied(view, actions)
    pytest.fail(f"still planning after eight rounds: {names(actions)}")
