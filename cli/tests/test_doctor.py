"""`doctor` against a real API server and the AWS emulator, whole and broken."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from places import Place

from kubectl_logscan import awschecks, clusterchecks
from kubectl_logscan.checks import Check, ProblemError, State, run
from logscan_api.table import table_definition

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)


def facts(place: Place, *arguments: str, **variables: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Return how it ended, and what it found by the name of the check."""
    given = ["--operator-namespace", place.kubectl.namespace, "-o", "json", *arguments]
    done = place.logscan("doctor", *given, **variables)
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)}


def named(place: Place) -> list[str]:
    resources = place.state.resources
    return ["--queue", resources.queue_url, "--table", resources.table, "--bucket", resources.bucket]


@pytest.mark.controlplane
def test_what_is_there_is_well_and_what_is_not_is_told(place: Place) -> None:
    code, found = facts(place, *named(place), "--key", "a.log")
    well = {"kubeconfig", "identity", "rights", "crds", "clock", "aws identity", "queue", "notification", "table"}
    assert {name for name in well if found[name]["state"] != "ok"} == set(), found
    assert {name: found[name]["state"] for name in ("operator", "leader", "policy")} == {
        "operator": "problem",
        "leader": "problem",
        "policy": "problem",
    }
    assert all(one["advice"] for one in found.values() if one["state"] == "problem")
    assert code == 8


@pytest.mark.controlplane
def test_the_settings_are_those_of_the_operator(place: Place) -> None:
    resources = place.state.resources
    data = {"LOGSCAN_QUEUE_URLS": resources.queue_url, "LOGSCAN_TABLE": "nowhere"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "logscan-operator"}, "data": data}
    place.kubectl.apply([config])
    _, found = facts(place, LOGSCAN_TABLE="", LOGSCAN_QUEUE_URL="")
    place.kubectl.run("delete", "configmap", "logscan-operator")
    assert (found["queue"]["state"], found["table"]["state"]) == ("ok", "problem")
    assert "nowhere" in found["table"]["message"]
    assert (found["notification"]["state"], found["policy"]["state"]) == ("skipped", "skipped")


@pytest.mark.controlplane
def test_a_policy_that_decides_is_named(place: Place) -> None:
    for name, action, keys in (("scans", "Scan", ["*.log"]), ("ignores", "Ignore", ["*.tmp"])):
        spec: dict[str, Any] = {"match": {"buckets": ["logs"], "keys": keys}, "action": action}
        if action == "Scan":
            spec["rules"] = {"packs": ["levels"]}
        document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": name}}
        place.kubectl.apply([{**document, "spec": spec}])
    states = {}
    for key in ("a.log", "a.tmp", "a.txt"):
        _, found = facts(place, *named(place), "--key", key)
        states[key] = (found["policy"]["state"], found["policy"]["message"].split(" s3")[0])
    place.kubectl.run("delete", "logscanpolicies", "--all")
    assert states["a.log"] == ("ok", "the LogScanPolicy scans decides about")
    assert states["a.tmp"] == ("problem", "the LogScanPolicy ignores says to ignore")
    assert states["a.txt"][0] == "problem"


@pytest.mark.controlplane
def test_a_user_without_rights_is_told_all_the_same(place: Place, tmp_path: Path) -> None:
    place.kubectl.run("create", "serviceaccount", "stranger")
    token = place.kubectl.run("create", "token", "stranger").strip()
    config = json.loads(place.kubectl.run("config", "view", "--raw", "--output=json"))
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    (tmp_path / "config").write_text(json.dumps(config))
    code, found = facts(place, *named(place), KUBECONFIG=str(tmp_path / "config"))
    assert code == 8
    assert "stranger" in found["identity"]["message"]
    assert "RoleBinding" in found["rights"]["advice"]
    assert (found["crds"]["state"], found["table"]["state"]) == ("ok", "ok")


@pytest.fixture
def silent() -> Any:
    """Yield the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def hold() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=hold, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    for connection in held:
        connection.close()


def test_servers_that_never_answer_are_problems_and_do_not_hold_it(run: Run, silent: str, tmp_path: Path) -> None:
    config = {"clusters": [{"name": "c", "cluster": {"server": silent}}], "users": [{"name": "u", "user": {}}]}
    config["contexts"] = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    (tmp_path / "config").write_text(json.dumps({**config, "current-context": "x"}))
    aws = {"AWS_ENDPOINT_URL": silent, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a"}
    done = run(
        *("doctor", "--timeout", "3", "--queue", f"{silent}/1/q", "--table", "ttt", "--bucket", "logs", "-o", "json"),
        KUBECONFIG=str(tmp_path / "config"),
        AWS_SECRET_ACCESS_KEY="b",
        **aws,
    )
    states = {one["check"]: one["state"] for one in json.loads(done.stdout)}
    assert done.returncode == 8
    assert {name for name, state in states.items() if state != "problem"} == {"kubeconfig", "policy"}


def test_without_a_kubeconfig_aws_is_asked_all_the_same(run: Run) -> None:
    done = run("doctor", "--timeout", "5", "-o", "json")
    found = {one["check"]: one["state"] for one in json.loads(done.stdout)}
    assert (done.returncode, found["kubeconfig"], found["aws identity"]) == (8, "problem", "problem")
    assert "identity" not in found


def test_a_check_that_hangs_or_breaks_stops_no_other() -> None:
    def broken() -> str:
        raise RuntimeError("a library\nbroke")

    forever = threading.Event()
    checks = [
        Check("hangs", lambda: str(forever.wait()), "a server"),
        Check("breaks", broken, "a server"),
        Check("works", lambda: "well", "a server"),
    ]
    found = run(checks, 0.2)
    forever.set()
    assert [one.state for one in found] == [State.PROBLEM, State.PROBLEM, State.OK]
    assert "\n" not in found[1].message


def lease(seconds_ago: float, holder: str | None = "pod-1") -> dict[str, Any]:
    renewed = (NOW - timedelta(seconds=seconds_ago)).isoformat()
    return {"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15}}


@pytest.mark.parametrize("found", [lease(17), lease(3, None), {"spec": {}}])
def test_a_leader_that_is_gone(found: dict[str, Any]) -> None:
    with pytest.raises(ProblemError):
        clusterchecks.freshness(found, NOW)
    assert "leads" in clusterchecks.freshness(lease(14), NOW)


@pytest.mark.parametrize("seconds", [-61, 61])
def test_a_clock_that_is_wrong(seconds: int) -> None:
    with pytest.raises(ProblemError, match="61 seconds"):
        clusterchecks.skew("AWS", NOW, NOW + timedelta(seconds=seconds))
    assert "within" in clusterchecks.skew("AWS", NOW, NOW + timedelta(seconds=seconds - (1 if seconds > 0 else -1)))


@pytest.mark.parametrize("ready", [None, 0, 1])
def test_an_operator_that_is_not_ready(ready: int | None) -> None:
    pod = {"spec": {"containers": [{"image": "logscan-operator:1"}]}}
    deployment = {"metadata": {"generation": 2, "namespace": "x"}, "spec": {"replicas": 2, "template": pod}}
    with pytest.raises(ProblemError, match="of 2"):
        clusterchecks.readiness({**deployment, "status": {"readyReplicas": ready, "observedGeneration": 2}})
    with pytest.raises(ProblemError):  # of an old version
        clusterchecks.readiness({**deployment, "status": {"readyReplicas": 2, "observedGeneration": 1}})


def test_a_table_of_another_version() -> None:
    whole = {"TableName": "t", **table_definition("t")}
    assert "3 indexes" in awschecks.shape(whole)
    indexes = [i for i in whole["GlobalSecondaryIndexes"] if i["IndexName"] != "by_day"]
    with pytest.raises(ProblemError, match="by_day"):
        awschecks.shape({**whole, "GlobalSecondaryIndexes": indexes})
    with pytest.raises(ProblemError, match="DELETING"):
        awschecks.shape({**whole, "TableStatus": "DELETING"})
