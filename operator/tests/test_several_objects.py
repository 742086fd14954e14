"""A LogScan of several objects: what is kept of it, what applies to it, its Job, and its end."""

import json
from typing import Any

import pytest
from memorycluster import Bench
from objects import NOW, SETTINGS, job, scan_body

from logscan_api.exitcodes import Reason
from logscan_api.policies import LogScanPolicySpec, PolicyAction, PolicyMatch
from logscan_api.requests import ScanRequest, joined
from logscan_api.rules import RuleSelection
from logscan_api.statuses import FailedObject, ObjectCounts, Phase
from logscan_local.testkit.results import RESULT
from logscan_operator import jobs, outcomes, statuses
from logscan_operator.actions import CreateJob
from logscan_operator.conditions import Verdict
from logscan_operator.items import IDENTITY_LABEL, Object, Scan
from logscan_operator.resolving import divided, resolve

KEYS = ("app/a.log", "app/b.log", "app/c.log")


def batch(*keys: str, **spec: Any) -> Object:
    objects = [{"key": key, "versionId": f"v-{key[:9]}"} for key in keys or KEYS]
    return scan_body("batch", **{"source": {"s3": {"bucket": "logs", "objects": objects}}, **spec})


def by_intake(body: Object) -> Object:
    body["metadata"]["labels"] = {IDENTITY_LABEL: "0" * 32}
    return body


def policy(*keys: str, **spec: Any) -> LogScanPolicySpec:
    facts = {"rules": RuleSelection(packs=["generic"]), **spec}
    return LogScanPolicySpec(match=PolicyMatch(keys=list(keys)), **facts)


def request_of(body: Object) -> ScanRequest:
    wanted = Scan.parse(body, whole=True)
    return jobs.build_request(wanted, 1, resolve(wanted.readable_spec, {}, {}, SETTINGS), SETTINGS)


def test_of_the_list_the_view_keeps_the_first_object_and_how_many_there_are() -> None:
    kept = Scan.parse(batch())
    assert (kept.readable_spec.source.s3.keys, kept.objects, kept.abridged) == (["app/a.log"], 3, True)
    again = Scan.parse(batch(), kept)
    assert (again.spec is kept.spec, again.objects, again.abridged) == (True, 3, True)
    assert Scan.parse(batch(), whole=True).readable_spec.source.s3.keys == list(KEYS)
    assert not Scan.parse(batch("one.log")).abridged


def test_the_status_names_the_first_object() -> None:
    def shown(body: Object) -> str | None:
        return statuses.waiting(Scan.parse(body), Verdict(Phase.QUEUED, Reason.BACKOFF, ""), NOW).object

    assert shown(batch()) == "app/a.log and 2 more"
    assert shown(batch("one.log")) == "one.log"
    longest = shown(batch("x" * 1024, *KEYS))
    assert longest is not None
    assert (len(longest), longest.endswith("x and 3 more")) == (60, True)


POLICIES = {
    "apps": policy("app/**", priority=5),
    "nginx": policy("nginx/**", priority=5),
    "none": policy("tmp/**", priority=9, action=PolicyAction.IGNORE),
}


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (KEYS, None),
        (("elsewhere/a", "b"), None),
        (("tmp/a", "elsewhere/b"), None),
        (
            ("app/a", "app/b", "nginx/c", "app/d"),
            "source.s3.objects[2].key: nginx/c is under the LogScanPolicy nginx, and app/a is under the LogScanPolicy "
            "apps: use a LogScan for each",
        ),
        (
            ("app/a", "tmp/a"),
            "source.s3.objects[1].key: tmp/a is under no LogScanPolicy, and app/a is under the LogScanPolicy apps: use "
            "a LogScan for each",
        ),
        (("app/a", "app/b", "app/a"), "source.s3.objects[2].key: app/a is listed twice: list each key once"),
    ],
)
def test_one_policy_applies_to_all_objects(keys: tuple[str, ...], why: str | None) -> None:
    assert divided(Scan.parse(batch(*keys), whole=True).readable_spec, POLICIES) == why


def test_of_combined_policies_all_are_the_same() -> None:
    combining = {"base": policy("**", priority=9, combine=True), **POLICIES}
    spec = Scan.parse(batch("app/a", "app/b", "nginx/c", rules=None), whole=True).readable_spec
    assert divided(spec, combining) == (
        "source.s3.objects[2].key: nginx/c is under the LogScanPolicy base with nginx, and app/a is under the "
        "LogScanPolicy base with apps: use a LogScan for each"
    )
    own = spec.model_copy(update={"rules": RuleSelection(packs=["generic"])})
    assert divided(own, combining) is None, "rules of its own are combined with none"


def test_each_object_has_the_row_that_a_scan_of_it_alone_has() -> None:
    found = request_of(by_intake(batch()))
    assert found.rows is not None
    for source, tokens in zip(found.source.each, found.rows.tokens, strict=True):
        alone = by_intake(scan_body("alone", source={"s3": source.wire()}))
        single = request_of(alone)
        assert (found.rows.ref("results", found.scan, source), tokens) == (single.result, single.tokens)
    assert request_of(by_intake(scan_body())).rows is None


def test_what_is_listed_by_hand_has_rows_of_its_own() -> None:
    by_hand, intake = request_of(batch()), request_of(by_intake(batch()))
    for found in (by_hand, intake):
        assert found.rows is not None
        assert outcomes.may_have(Scan.parse(batch() if found is by_hand else by_intake(batch())), found.result)
    assert by_hand.rows is not None
    (first, *_) = by_hand.source.each
    assert "U:uid-batch" in by_hand.rows.ref("results", by_hand.scan, first).sk
    assert not set(map(tuple, by_hand.rows.tokens)) & set(map(tuple, (intake.rows or by_hand.rows).tokens))


def counts(failed: int, **more: Any) -> ObjectCounts:
    failures = [FailedObject(key=f"{n}.log", reason="Archived", message="it is in GLACIER") for n in range(failed)]
    return ObjectCounts(total=3, done=2 - min(failed, 2), skipped=0, failed=failed, failures=failures or None, **more)


def ended(found: ObjectCounts) -> Any:
    result = RESULT.model_copy(update={"object_counts": found, "scan_uid": "uid-batch"})
    return outcomes.conclude(Scan.parse(batch()), job("batch", ended="Complete"), [], result, 3, SETTINGS, NOW)


def test_a_scan_of_which_some_objects_failed_has_succeeded_and_says_so() -> None:
    status = ended(counts(1))
    assert (status.phase, status.message) == (Phase.SUCCEEDED, "3 of 4 lines matched in 1 of 3 objects")
    assert status.objects.wire() == {
        "total": 3,
        "done": 1,
        "skipped": 0,
        "failed": 1,
        "failures": [{"key": "0.log", "reason": "Archived"}],
        "progress": "2/3",
    }


def test_a_scan_of_which_every_object_failed_has_failed() -> None:
    status = ended(counts(3))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.ARCHIVED)
    assert status.message == "none of 3 objects could be read; 0.log: it is in GLACIER"
    unknown = [FailedObject(key="a", reason="OfTheFuture", message="x")] * 3
    assert ended(counts(3).model_copy(update={"failures": unknown})).reason == Reason.JOB_FAILED


async def test_the_job_gets_the_whole_list() -> None:
    bench = Bench()
    scan = bench.scan(batch())
    assert scan.abridged
    await bench.executor.perform(CreateJob(scan, 1))
    (container,) = bench.jobs()["batch-1"]["spec"]["template"]["spec"]["containers"]
    variables = {entry["name"]: entry.get("value", "").replace("$$", "$") for entry in container["env"]}
    request = ScanRequest.from_variable(joined(variables) or "")
    assert (request.source.keys, len(request.rows.tokens if request.rows else [])) == (list(KEYS), 3)


async def test_objects_of_several_policies_fail_only_if_a_person_listed_them() -> None:
    for body, phase in ((batch("app/a", "nginx/a"), "Failed"), (by_intake(batch("app/a", "nginx/a")), "Running")):
        bench = Bench()
        for name, spec in POLICIES.items():
            metadata = {"namespace": "logscan", "name": name, "resourceVersion": "1"}
            bench.view.policies.take({"metadata": metadata, "spec": json.loads(spec.model_dump_json(by_alias=True))})
        await bench.executor.perform(CreateJob(bench.scan(body), 1))
        assert bench.status("batch")["phase"] == phase
