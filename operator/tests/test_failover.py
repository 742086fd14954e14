"""When the operator cannot see, hear or lead, on a real control plane: it says so, and another one takes over."""

import json
import signal
import socket
import time
from pathlib import Path

import pytest
from places import Background, NewPlace, Place

from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


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


def test_a_silent_watch_is_healed_by_the_next_list(new_place: NewPlace) -> None:
    place = new_place()
    proxy = place.api_proxy()
    proxy.silent_watches = True
    with Background(proxy.serve):
        operator = place.operator(place.kubeconfig_for(proxy), resync_seconds="2")
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


def test_a_leader_that_is_asked_to_end_does_so_in_order(new_place: NewPlace) -> None:
    place = new_place(others=1)
    place.furnish(place.kubectl_in(place.others[0]))
    operator = place.operator(watch_namespaces=place.others[0])
    eventually(lambda: operator.leading and json.loads(operator.ask("/readyz"))["synced"], 40, "a leader")
    assert place.kubectl.get("lease", "logscan-operator")["spec"]["holderIdentity"]
    operator.signal(signal.SIGTERM)
    assert operator.process.wait(60) == 0
    assert place.kubectl.get("lease", "logscan-operator")["spec"]["holderIdentity"] == "", "a standby need not wait"
    levels = [json.loads(line)["level"] for line in operator.log.read_text().splitlines()]
    assert not {"error", "warning"} & set(levels), "kopf ended by itself too"


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
