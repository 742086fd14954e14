"""What users of operators like this one complain about most, each as a test on a real control plane.

Pods are ended by a stand-in, so that what is tested is the operator; see `logscan_local.standin`.
"""

import asyncio
import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession, TCPConnector, web
from places import RULES, SEEN, Background, Place

from logscan_api.exitcodes import Reason
from logscan_local.cluster import Object
from logscan_local.install import install_crds
from logscan_local.ports import free_ports
from logscan_local.stack import Stack
from logscan_local.testing import eventually
from logscan_operator.kube import Connection

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]

NewPlace = Callable[..., Place]
MESSAGES = int(os.environ.get("LOGSCAN_TEST_MESSAGES", "80"))  # `make bench-operator` sends a thousand


@pytest.fixture(scope="module")
def stack(nodeless_stack: Stack) -> Stack:
    install_crds(nodeless_stack.kubectl())
    return nodeless_stack


@pytest.fixture
def new_place(stack: Stack, tmp_path: Path) -> Iterator[NewPlace]:
    with ExitStack() as exits:
        yield lambda **options: exits.enter_context(Place(stack, tmp_path, **options))


def test_duplicates_and_kills_leave_one_scan_job_and_row_for_each_object(new_place: NewPlace) -> None:
    place, chance = new_place(), random.Random(1)
    keys = [f"burst/{n}.log" for n in range(MESSAGES)]
    place.send(keys)
    place.send([key for key in keys if chance.random() < 0.3], repeat="again")

    def succeeded() -> int:
        return place.phases().get("Succeeded", 0)

    for _ in range(4):
        # Killed at another moment of its work each time, but not before it did some.
        goal = min(succeeded() + 1 + chance.randrange(len(keys) // 5), len(keys) - 1)
        operator = place.operator(max_concurrent="8")
        eventually(lambda goal=goal: succeeded() >= goal, 180 + MESSAGES / 5, "some work")  # type: ignore[misc]
        operator.kill()
    place.operator(max_concurrent="8")
    eventually(lambda: succeeded() == len(keys), 90 + MESSAGES / 5, "all scans to end")
    eventually(place.queue_is_empty, 30, "the queue to be empty")
    assert set(place.scans()) == {place.name_of(key) for key in keys}
    assert sorted(place.jobs.created) == sorted(f"{place.name_of(key)}-1" for key in keys)
    assert place.jobs.most_active <= 8


def test_a_limit_of_one_is_one_from_the_first_moment_and_finished_jobs_hold_no_slot(new_place: NewPlace) -> None:
    place = new_place()
    place.apply(*(place.manifest(f"s{n}") for n in range(30)))
    place.operator(max_concurrent="1")
    eventually(lambda: place.phases().get("Succeeded") == 30, 60, "all scans to end")
    assert place.jobs.most_active == 1
    assert len(place.kubectl.get("jobs")["items"]) == 30, "finished Jobs are kept, and did not matter"


def restricted_kubeconfig(place: Place, rules: list[Object]) -> Path:
    """Return a kubeconfig of an account that may do just what some rules say."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "restricted"}}
    meta = {"metadata": {"name": "restricted"}, "apiVersion": "rbac.authorization.k8s.io/v1"}
    subject = {"kind": "ServiceAccount", "name": "restricted", "namespace": place.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "restricted"}
    place.apply(
        account,
        {**meta, "kind": "Role", "rules": rules},
        {**meta, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]},
    )
    return place.kubeconfig_of("restricted")


def test_without_a_view_of_jobs_nothing_is_created_or_received(new_place: NewPlace) -> None:
    place = new_place()
    everything: Object = {"apiGroups": ["logscan.dev", "", "coordination.k8s.io"], "resources": ["*"], "verbs": ["*"]}
    jobs: Object = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "watch"]}
    kubeconfig = restricted_kubeconfig(place, [everything, jobs])
    place.scan("waits")
    place.send(["stays.log"])
    operator = place.operator(kubeconfig)
    eventually(lambda: operator.leading, 20, "a leader")
    eventually(lambda: "cannot list resource" in operator.ask("/readyz"), 20, "a list in vain")
    assert (list(place.scans()), place.jobs.created) == (["waits"], [])
    assert not place.queue_is_empty()
    place.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "restricted"},
            "rules": [everything, {**jobs, "verbs": ["*"]}],
        }
    )
    eventually(lambda: place.phases() == {"Succeeded": 2}, 40, "both scans to end")


def deaf_proxy(place: Place, port: int) -> Callable[[], Any]:
    """Return a proxy of the API server in which every watch stays silent for ever."""
    connection = Connection(str(place.stack.paths.kubeconfig))

    async def serve() -> None:
        connector = TCPConnector(ssl=connection.ssl_context())
        async with ClientSession(connection.server, connector=connector) as upstream:

            async def forward(request: web.Request) -> web.StreamResponse:
                if request.query.get("watch") == "true":
                    silent = web.StreamResponse(headers={"Content-Type": "application/json"})
                    await silent.prepare(request)
                    await asyncio.sleep(3600)
                body = await request.read()
                headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
                async with upstream.request(request.method, request.rel_url, data=body, headers=headers) as answer:
                    return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

            app = web.Application()
            app.router.add_route("*", "/{path:.*}", forward)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", port).start()
                await asyncio.sleep(3600)
            finally:
                await runner.cleanup()

    return serve


def test_a_silent_watch_is_healed_by_the_next_list(new_place: NewPlace) -> None:
    place, (port,) = new_place(), free_ports(1)
    document = yaml.safe_load(place.stack.paths.kubeconfig.read_text())
    document["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
    path = place.folder / "deaf"
    path.write_text(yaml.safe_dump(document))
    with Background(deaf_proxy(place, port)):
        operator = place.operator(path, resync_seconds="2")
        eventually(lambda: operator.leading, 30, "a leader")
        place.scan("unheard")
        place.until("unheard", phase="Succeeded")
    # The proxy is gone now, and with it the API server: the operator must not stay as a ghost.
    assert operator.process.wait(30) != 0


def test_a_receive_call_that_hangs_is_told(new_place: NewPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    place = new_place()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections and never answers
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        operator = place.operator(lease_seconds="15")
        age = f'logscan_queue_receive_age_seconds{{queue="{place.namespace}.fifo"}}'
        eventually(lambda: operator.metric(age) > 17, 60, "the silence to last")
        ready = json.loads(operator.ask("/readyz"))
        assert "no answer to a receive call" in ready["queue"] or "timeout" in ready["queue"]
        operator.kill()
    monkeypatch.delenv("AWS_ENDPOINT_URL_SQS")
    operator = place.operator(lease_seconds="15")
    eventually(lambda: operator.leading and 0 <= operator.metric(age) < 5, 60, "the queue to answer")
    assert json.loads(operator.ask("/readyz"))["queue"] == "ok"


def test_a_row_is_success_even_if_job_and_pod_are_gone(new_place: NewPlace) -> None:
    place = new_place()
    operator = place.operator()
    place.scan("gone", {"standin/hold": "yes"})
    place.until("gone", phase="Running")
    operator.kill()
    (pod,) = eventually(lambda: place.kubectl.get("pods")["items"], 20, "the pod")
    place.kubectl.run("label", "pod", pod["metadata"]["name"], "standin/hold-")
    eventually(lambda: place.kubectl.get("pods")["items"][0]["status"]["phase"] == "Succeeded", 20, "the pod's end")
    place.kubectl.run("delete", "job", "gone-1")
    place.operator()
    status = place.until("gone", phase="Succeeded")
    assert (status["attempts"], status["summary"]["lines"]) == (1, 100)


def test_a_namespace_goes_while_the_operator_is_down(new_place: NewPlace) -> None:
    place = new_place()
    operator = place.operator()
    place.scan("held", {"standin/hold": "yes"})
    place.scan("done")
    place.until("held", phase="Running")
    place.until("done", phase="Succeeded")
    operator.kill()
    place.kubectl.run("delete", "namespace", place.namespace, "--wait=true", "--timeout=60s", timeout=70)


@pytest.mark.parametrize("way", ["killed", "paused"])
def test_a_standby_takes_over_and_nothing_is_doubled(
    new_place: NewPlace, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = new_place()
    first = place.operator(max_concurrent="4")
    eventually(lambda: first.leading, 20, "a leader")
    second = place.operator(max_concurrent="4")
    eventually(lambda: '"synced": true' in second.ask("/readyz"), 20, "a standby")
    assert not second.leading
    keys = [f"ha/{n}.log" for n in range(60)]
    place.send(keys)
    eventually(lambda: place.phases().get("Succeeded", 0) > 5, 30, "some work")
    began = time.monotonic()
    first.signal(signal.SIGKILL if way == "killed" else signal.SIGSTOP)
    eventually(lambda: second.leading, 30, "the take-over")
    took = time.monotonic() - began
    if way == "paused":
        eventually(lambda: place.phases().get("Succeeded", 0) > 20, 30, "the standby's work")
        first.signal(signal.SIGCONT)
        assert first.process.wait(90) != 0, "a leader that lost its lease ends"
    eventually(lambda: place.phases() == {"Succeeded": len(keys)}, 60, "all scans to end")
    assert sorted(place.jobs.created) == sorted(f"{place.name_of(key)}-1" for key in keys)
    assert place.jobs.most_active <= 4
    with capsys.disabled():
        print(f"\n  take-over from a {way} leader: {took:.1f} s (lease of 3 s)")  # noqa: T201
    assert took < 12


ENDS: list[tuple[dict[str, str] | None, dict[str, Any], Reason]] = [
    ({"standin/exit": "64"}, {}, Reason.INVALID_REQUEST),
    ({"standin/exit": "65"}, {}, Reason.INVALID_RULE),
    ({"standin/exit": "66"}, {}, Reason.OBJECT_NOT_FOUND),
    ({"standin/exit": "67"}, {}, Reason.SUPERSEDED),
    ({"standin/exit": "68"}, {}, Reason.ACCESS_DENIED),
    ({"standin/exit": "69"}, {}, Reason.ARCHIVED),
    ({"standin/exit": "77"}, {}, Reason.KEY_UNAVAILABLE),
    ({"standin/exit": "70"}, {"attempts": 1}, Reason.INTERNAL_ERROR),
    ({"standin/exit": "75"}, {"attempts": 1}, Reason.TRY_AGAIN_LATER),
    ({"standin/exit": "1"}, {"attempts": 1}, Reason.JOB_FAILED),
    ({"standin/exit": "evicted"}, {"attempts": 1}, Reason.EVICTED),
    ({"standin/exit": "137-OOMKilled"}, {}, Reason.OUT_OF_MEMORY),
    ({"standin/row": "no"}, {"attempts": 1}, Reason.RESULT_MISSING),
    ({"standin/hold": "yes"}, {"timeoutSeconds": 10}, Reason.DEADLINE_EXCEEDED),
    (
        None,
        {"job": {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}},
        Reason.INVALID_SPEC,
    ),
]


def test_every_end_has_its_reason(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(max_concurrent="50", events_per_second="100")
    place.apply(*(place.manifest(f"end-{n}", labels, **spec) for n, (labels, spec, _) in enumerate(ENDS)))
    place.scan("fine")
    for number, (_, _, reason) in enumerate(ENDS):
        status = place.until(f"end-{number}", phase="Failed", reason=str(reason))
        assert status["message"]
        SEEN.add(status["reason"])
    assert place.until("fine", phase="Succeeded")["reason"] == "Completed"
    SEEN.add("Completed")
    events = place.kubectl.get("events")["items"]
    told = {(e["involvedObject"]["name"], e["reason"]) for e in events if e["involvedObject"]["kind"] == "LogScan"}
    assert ("end-2", "ObjectNotFound") in told


def test_what_is_tried_again_says_when(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(retry_first_seconds="5")
    place.scan("again", {"standin/exit": "75"}, attempts=2)
    status = place.until("again", reason="Backoff")
    assert status["phase"] == "Queued"
    assert "attempt 1 failed with TryAgainLater" in status["message"]
    SEEN.add(status["reason"])
    assert place.until("again", phase="Failed")["attempts"] == 2


def pod_status(place: Place, scan: str, status: Object) -> None:
    selector = f"--selector=batch.kubernetes.io/job-name={scan}-1"
    (pod,) = eventually(lambda: place.kubectl.get("pods", selector)["items"], 20, "the pod")
    patch = json.dumps({"status": status})
    name = pod["metadata"]["name"]
    place.kubectl.run("patch", "pod", name, "--subresource=status", "--type=merge", f"--patch={patch}")


def test_a_pod_that_does_not_start_says_why(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(pending_seconds="30")  # long enough for what follows to happen before
    held = {"standin/hold": "yes"}
    for name in ("unscheduled", "imageless", "stuck", "lost"):
        place.scan(name, held, attempts=1)
        place.until(name, phase="Running")
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no disk: ssd"}
    pod_status(place, "unscheduled", {"conditions": [condition]})
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    container = {"name": "scanner", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    pod_status(place, "imageless", {"containerStatuses": [{**container, "state": {"waiting": waiting}}]})
    place.kubectl.run("delete", "job", "lost-1")
    for name, reason, words in (
        ("unscheduled", "Unschedulable", "no disk: ssd"),
        ("imageless", "ImagePullFailed", "no such image"),
        ("stuck", "PodNotStarted", ""),
        ("lost", "JobLost", "was deleted"),
    ):
        status = place.until(name, 90, phase="Failed", reason=reason)
        assert words in status["message"]
        SEEN.add(reason)
    eventually(lambda: not place.kubectl.get("jobs")["items"], 20, "their Jobs to go")


def test_who_waits_says_for_what(new_place: NewPlace) -> None:
    place, held = new_place(), {"standin/hold": "yes"}
    unseen = place.scan("unseen")
    assert place.scans()[unseen]["reason"] == "Waiting"
    SEEN.add("Waiting")
    limited = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy"}
    rules = {"inline": [{"name": "err", "pattern": "ERROR"}]}
    spec = {"match": {"keys": ["policy-*"]}, "rules": rules, "maxConcurrent": 1, "job": {"labels": held}}
    place.apply({**limited, "metadata": {"name": "narrow"}, "spec": spec})
    operator = place.operator(max_concurrent="3", debug="true")
    place.until(unseen, phase="Succeeded")
    for number in range(2):
        place.scan(f"policy-{number}", rules=None)
        place.until("policy-0", phase="Running", reason="JobCreated")
    SEEN.update([place.until("policy-1", phase="Queued", reason="PolicyLimit")["reason"], "JobCreated"])
    for number in range(3):
        place.scan(f"any-{number}", held, priority=5)
    SEEN.add(place.until("any-2", phase="Queued", reason="ConcurrencyLimit")["reason"])
    place.scan("held", suspend=True)
    SEEN.add(place.until("held", phase="Suspended")["reason"])
    place.kubectl.run("patch", "logscan", "held", "--type=merge", '--patch={"spec":{"cancel":true}}')
    SEEN.add(place.until("held", phase="Cancelled")["reason"])
    assert json.loads(operator.ask("/debug/plan")) == []
    assert 'logscan_scans{phase="Queued"} 2.0' in operator.ask("/metrics")
    operator.kill()
    place.operator(max_concurrent="9", max_concurrent_per_namespace="3")
    place.scan("crowded", held)
    SEEN.add(place.until("crowded", phase="Queued", reason="NamespaceLimit")["reason"])


def test_a_newer_version_supersedes_an_older_one(new_place: NewPlace) -> None:
    place, held = new_place(), {"standin/hold": "yes"}
    place.operator()

    def source(sequencer: str) -> Object:
        return {"s3": {"bucket": "logs", "key": "same.log", "etag": sequencer, "sequencer": sequencer}}

    place.scan("older", held, source=source("0055"))
    place.until("older", phase="Running")
    place.scan("newer", source=source("0056"))
    status = place.until("older", phase="Cancelled", reason="Superseded")
    assert "newer" in status["message"]
    place.until("newer", phase="Succeeded")


def test_policies_show_whether_their_rules_compile(new_place: NewPlace) -> None:
    place = new_place()
    place.operator()
    bad = {"inline": [{"name": "good", "pattern": "x"}, {"name": "broken", "pattern": "(a"}]}
    base = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy"}
    place.apply({**base, "metadata": {"name": "bad"}, "spec": {"rules": bad, "match": {"keys": ["bad/**"]}}})

    def condition(name: str) -> Object:
        status = place.kubectl.get("logscanpolicy", name).get("status", {})
        found: Object = next(iter(status.get("conditions", [])), {})
        return found

    eventually(lambda: condition("bad").get("reason") == "InvalidRule", 15, "the bad policy's condition")
    assert "rule 'broken': Missing close parenthesis for group started at index 0" in condition("bad")["message"]
    eventually(lambda: condition("default").get("status") == "True", 15, "the good policy's condition")
    place.scan("counted", rules=None)
    place.until("counted", phase="Succeeded", policy="default")
    counts = {"queued": 0, "running": 0, "succeeded": 1, "failed": 0}
    eventually(lambda: place.kubectl.get("logscanpolicy", "default")["status"].get("scans") == counts, 30, "counts")
    fixed = {"inline": [{"name": "broken", "pattern": "(a)"}]}
    place.apply({**base, "metadata": {"name": "bad"}, "spec": {"rules": fixed, "match": {"keys": ["bad/**"]}}})
    eventually(lambda: condition("bad").get("status") == "True", 15, "the mended policy's condition")


def test_a_scan_without_rules_and_policy_says_so(new_place: NewPlace) -> None:
    place = new_place()
    place.kubectl.run("delete", "logscanpolicy", "default")
    place.operator()
    place.scan("norules", rules=None)
    SEEN.add(place.until("norules", phase="Failed")["reason"])


def packs_of_default(place: Place) -> list[str]:
    found = json.loads(place.kubectl.run("get", "logscanpolicy", "default", "--ignore-not-found", "-ojson") or "{}")
    packs: list[str] = found["spec"]["rules"].get("packs", []) if found else []
    return packs


def test_the_default_policy_is_made_and_kept_and_what_people_add_to_it_stays(new_place: NewPlace) -> None:
    place = new_place()
    place.kubectl.run("delete", "logscanpolicy", "default")
    operator = place.operator(default_policy_packs="generic, etcd", lease_seconds="15")
    eventually(lambda: packs_of_default(place) == ["generic", "etcd"], 120, "the policy default")
    place.send(["after.log"])
    place.until(place.name_of("after.log"), seconds=120, phase="Succeeded")
    place.kubectl.run("delete", "logscanpolicy", "default")
    eventually(lambda: packs_of_default(place) == ["generic", "etcd"], 120, "the policy default again")
    operator.kill()
    place.operator(default_policy_packs="nginx", lease_seconds="15")
    eventually(lambda: packs_of_default(place) == ["nginx"], 120, "the new packs")
    mine = {"spec": {"attempts": 7, "rules": {"packs": ["nginx", "java"]}}}
    place.kubectl.run("patch", "logscanpolicy", "default", "--type=merge", f"--patch={json.dumps(mine)}")
    place.operators[-1].kill()
    place.operator(default_policy_packs="apache", lease_seconds="15")
    eventually(lambda: set(packs_of_default(place)) == {"apache", "java"}, 120, "the new pack beside mine")
    assert place.kubectl.get("logscanpolicy", "default")["spec"]["attempts"] == 7


def test_a_default_policy_of_others_is_left_alone(new_place: NewPlace) -> None:
    place = new_place()
    operator = place.operator(default_policy_packs="nginx", lease_seconds="15")
    eventually(lambda: operator.leading, 120, "a leader")
    place.scan("then")
    place.until("then", seconds=120, phase="Succeeded")
    assert place.kubectl.get("logscanpolicy", "default")["spec"]["rules"] == RULES
