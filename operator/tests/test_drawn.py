"""Whatever the CRDs accept, a Job is labelled or a message holds, no step of a loop fails and the others are served."""

import asyncio
import copy
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from drawn import TIMES, UNHURRIED, inline_rules, job_metadata, messages, part, policy_specs, scan_labels, scan_specs
from hypothesis import given, settings
from hypothesis import strategies as st
from objects import NOW, SETTINGS, job_body, scan_body, synced_view, view_of

from logscan_api import MalformedMessageError
from logscan_api.events import read_message
from logscan_api.policies import LogScanPolicySpec
from logscan_operator.actions import Action, CreateJob
from logscan_operator.cleanup import expired
from logscan_operator.deciding import Gathered, Ignored, Undecided, alone, decide
from logscan_operator.holds import Holds
from logscan_operator.items import Object
from logscan_operator.jobsignatures import signed
from logscan_operator.metrics import Metrics
from logscan_operator.planning import next_deadline, plan
from logscan_operator.rulechecks import check
from logscan_operator.view import Table, View

ROOM = SETTINGS.model_copy(update={"max_concurrent": 100, "max_concurrent_per_namespace": 100})


def scans() -> st.SearchStrategy[Object]:
    def body(name: str, spec: Object, status: Object, generation: int, labels: dict[str, str]) -> Object:
        drawn = scan_body(name, status=status)
        drawn["metadata"] |= {"generation": generation, "labels": labels}
        return {**drawn, "spec": spec}

    return st.builds(
        body, st.sampled_from("bcd"), scan_specs(), part("logscans", "status"), st.integers(1, 2**31), scan_labels()
    )


def jobs() -> st.SearchStrategy[Object]:
    owner = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "name": "b", "uid": "uid-b", "controller": True}

    def body(name: str, metadata: Object, ours: bool) -> Object:
        drawn = job_body("b")
        drawn["metadata"] |= {"name": name, **metadata}
        return signed(drawn, SETTINGS.row_keys[0]) if ours else drawn

    return st.builds(body, st.sampled_from(["b-1", "b-2", "a-1", "x"]), job_metadata(owner), st.booleans())


def policies() -> st.SearchStrategy[Object]:
    def body(name: str, spec: Object, status: Object) -> Object:
        return {"metadata": scan_body(name)["metadata"], "spec": spec, "status": status}

    return st.builds(body, st.sampled_from("pq"), policy_specs(), part("logscanpolicies", "status"))


def work(view: View) -> list[Action]:
    """Take every step that a loop takes over the whole view; return the plan."""
    holds = Holds(ROOM)
    planned = plan(view, ROOM, NOW, {}, holds)
    next_deadline(view, ROOM, NOW, holds)
    expired(view, ROOM, NOW + timedelta(days=1), {}, 100)
    metrics = Metrics(3)
    metrics.lead(True)
    metrics.render(view)
    for namespace in view.namespaces.names:
        view.backlog(namespace)
        view.forget_ended(namespace, NOW)
    list(view.unreadable())
    return planned


def newer(body: Object) -> Object:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": "99"}}


@settings(suppress_health_check=UNHURRIED)
@given(st.lists(scans(), max_size=3), st.lists(jobs(), max_size=3), st.lists(policies(), max_size=2))
def test_no_object_keeps_another_scan_from_its_job(
    scans: list[Object], jobs: list[Object], policies: list[Object]
) -> None:
    view, normal = synced_view(), scan_body("a", age=1000)
    tables: list[tuple[Table[Any], list[Object]]] = [(view.scans, scans), (view.jobs, jobs), (view.policies, policies)]
    for table, bodies in tables:
        for body in bodies:
            table.take(copy.deepcopy(body))
    view.scans.take(normal)
    assert "a" in [action.scan.key[1] for action in work(view) if isinstance(action, CreateJob)]
    for table, bodies in tables:
        for body in bodies:
            table.drop(newer(body))
    assert (set(view.scans), len(view.jobs), len(view.policies)) == ({("logscan", "a")}, 0, 0)
    work(view)


@pytest.mark.parametrize("time", TIMES)
def test_no_time_stops_a_loop(time: str) -> None:
    """The API server accepts each of these as a `date-time`, or Python does not know it."""
    times = {"retryTime": time, "startTime": time, "completionTime": time}
    waiting = scan_body("waiting", status={"phase": "Queued", **times})
    ended = scan_body("ended", status={"phase": "Failed", "observedGeneration": 1, **times})
    running = scan_body("b", status={"phase": "Running", **times})
    view = view_of(waiting, ended, running, job_body("b", started=time), scan_body("a", age=1000))
    assert "a" in [action.scan.key[1] for action in work(view) if isinstance(action, CreateJob)]


@pytest.mark.parametrize("name", ["attempts", "priorAttempts", "refusals"])
def test_no_number_is_counted_on_to_what_the_api_server_refuses(name: str) -> None:
    view = view_of(scan_body("a", age=1000, status={"phase": "Queued", name: 2**53}))
    (action,) = work(view)
    assert isinstance(action, CreateJob)
    assert action.attempt == 1


@settings(suppress_health_check=UNHURRIED, max_examples=20)
@given(inline_rules())
def test_any_rules_are_good_or_bad(rules: list[Object]) -> None:
    """It is never the check that fails; each takes a process."""
    verdict = asyncio.run(check(LogScanPolicySpec.model_validate({"rules": {"inline": rules}})))
    assert (verdict.status, verdict.reason) in (("True", "RulesCompiled"), ("False", "InvalidRule"))


@settings(suppress_health_check=UNHURRIED)
@given(messages(), st.lists(policies(), max_size=2))
def test_a_message_is_refused_or_decided(body: str, policies: list[Object]) -> None:
    view = synced_view()
    for policy in policies:
        view.policies.take(policy)
    with suppress(MalformedMessageError):
        for event in read_message(body).events:
            decision = decide(event, view.policies_in("logscan"), None, "logscan", view.scanned)
            manifest = alone("logscan", decision.policy, event) if isinstance(decision, Gathered) else decision
            assert isinstance(manifest, Ignored | Undecided) or manifest["kind"] == "LogScan"
