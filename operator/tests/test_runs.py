"""One run of a scan and the next, on a real API server: whose result lands where, and what runs again."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from objects import SETTINGS, synced_view
from places import PATIENT, POLICY, Place

from logscan_api.results import ScanResult
from logscan_local.stack.kubectl import Object
from logscan_local.testkit.results import RESULT
from logscan_local.testkit.waiting import eventually
from logscan_operator import jobs
from logscan_operator.actions import Collect, CreateJob, Stop, SuspendJob
from logscan_operator.aws import ResultReader
from logscan_operator.errors import ApiError
from logscan_operator.executor import Executor
from logscan_operator.kube import ApiServer, Connection
from logscan_operator.leases import FencedApi
from logscan_operator.metrics import Metrics
from logscan_operator.view import View

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


def rules(name: str) -> Object:
    return {"inline": [{"name": name, "pattern": "ERROR"}]}


class Reader:
    """Reads a row in DynamoDB's place, and lets something happen meanwhile."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._meanwhile = meanwhile

    async def read(self, ref: Any) -> ScanResult:
        """Return the result that every scan here has."""
        await self._meanwhile()
        return RESULT


class Worker:
    """An executor on the real API server, with a view that knows only what it asks for."""

    def __init__(self, place: Place, api: ApiServer, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self.view: View = synced_view()
        self._place = place
        reader = cast("ResultReader", Reader(meanwhile))
        fenced = FencedApi(api, lambda: True)
        settings = SETTINGS.model_copy(update={"namespace": place.namespace})
        self.executor = Executor(self.view, fenced, reader, settings, Metrics(1))

    def look(self, name: str) -> Any:
        """Take a LogScan into the view and return it."""
        self.view.scans.take(self._place.kubectl.get("logscan", name))
        return self.view.scans[self._place.namespace, name]


async def test_a_result_never_lands_on_a_logscan_that_was_created_again(place: Place) -> None:
    """The LogScan is replaced between the reading of its row and the writing of its status."""

    async def replaced() -> None:
        place.kubectl.run("delete", "logscan", "same")
        place.scan("same", rules=rules("new"))

    async with ApiServer(Connection(str(place.stack.paths.kubeconfig))) as api:
        worker = Worker(place, api, replaced)
        place.scan("same", rules=rules("old"))
        old = worker.look("same")
        await worker.executor.perform(CreateJob(old, 1))
        running = worker.view.scans[old.key]
        await worker.executor.perform(Collect(running, worker.view.newest_job(old)))
        new = place.kubectl.get("logscan", "same")
        assert new["metadata"]["uid"] != old.uid
        assert new["status"]["phase"] == "Pending"
        assert worker.view.scans[old.key].uid == new["metadata"]["uid"], "the new one was not read"
        await worker.executor.perform(CreateJob(running, 2))
        assert [job["metadata"]["ownerReferences"][0]["uid"] for job in place.kubectl.get("jobs")["items"]] in (
            [old.uid],
            [],
        )


async def test_a_scan_that_was_changed_meanwhile_is_read_again(place: Place) -> None:
    """A status says what followed from the spec that was there; from another one something else may follow."""

    async def resumed() -> None:
        place.kubectl.run("patch", "logscan", "changed", "--type=merge", '--patch={"spec":{"priority":7}}')

    async with ApiServer(Connection(str(place.stack.paths.kubeconfig))) as api:
        worker = Worker(place, api, resumed)
        place.scan("changed")
        await worker.executor.perform(CreateJob(worker.look("changed"), 1))
        (scan,) = worker.view.scans.values()
        for phase in ("Running", "Succeeded"):
            await worker.executor.perform(Collect(worker.view.scans[scan.key], worker.view.newest_job(scan)))
            assert place.kubectl.get("logscan", "changed")["status"]["phase"] == phase
        changed = worker.view.scans[scan.key]
        assert (changed.generation, changed.status.phase) == (2, "Succeeded")


async def test_a_job_that_was_created_again_is_neither_patched_nor_deleted(place: Place) -> None:
    async def nothing() -> None: ...

    async with ApiServer(Connection(str(place.stack.paths.kubeconfig))) as api:
        worker = Worker(place, api, nothing)
        place.scan("same", {"fake-kubelet/hold": "yes"})
        await worker.executor.perform(CreateJob(worker.look("same"), 1))
        scan = worker.look("same")
        old = worker.view.newest_job(scan)
        assert old is not None
        body = place.kubectl.get("job", "same-1")
        place.kubectl.run("delete", "job", "same-1")
        for name in ("uid", "resourceVersion", "creationTimestamp", "generation"):
            del body["metadata"][name]
        del body["spec"]["selector"], body["status"]
        body["spec"]["template"]["metadata"]["labels"] = {"fake-kubelet/hold": "yes"}
        place.apply(body)
        uid = place.kubectl.get("job", "same-1")["metadata"]["uid"]
        await worker.executor.perform(SuspendJob(scan, old, suspend=True))
        await worker.executor.perform(Stop(scan, old, scan.status))
        found = place.kubectl.get("job", "same-1")
        assert (found["metadata"]["uid"], bool(found["spec"].get("suspend"))) == (uid, False)


async def test_other_refusals_of_a_patch_are_not_taken_for_a_deletion(place: Place) -> None:
    async def nothing() -> None: ...

    async with ApiServer(Connection(str(place.stack.paths.kubeconfig))) as api:
        worker = Worker(place, api, nothing)
        place.scan("refused")
        scan = worker.look("refused")
        wrong = scan.status.model_copy(update={"message": "m" * 2000})
        with pytest.raises(ApiError, match=r"status\.message"):
            await worker.executor._writer.write(scan, wrong)
        assert scan.key in worker.view.scans


def test_a_policy_that_goes_between_attempts_changes_no_scan_that_has_started(place: Place) -> None:
    """The second attempt has the rules, the deadline and the number of attempts of the first."""
    place.operator(None, **PATIENT, retry_first_seconds="2")
    policy = {"rules": rules("mine"), "attempts": 2, "timeoutSeconds": 77, "priority": 5, "match": {"keys": ["lost*"]}}
    place.apply({**POLICY, "metadata": {"name": "mine"}, "spec": policy})
    for change, name in (("delete", "lost"), ("ignore", "lost-too")):
        place.scan(name, {"fake-kubelet/exit": "70"}, rules=None)
        place.until(name, 90, reason="Backoff")
        if change == "ignore":
            place.kubectl.run("patch", "logscanpolicy", "mine", "--type=merge", '--patch={"spec":{"action":"Ignore"}}')
        else:
            place.kubectl.run("delete", "logscanpolicy", "mine")
        status = place.until(name, 90, phase="Failed")
        assert (status["reason"], status["attempts"], status["policy"]) == ("InternalError", 2, "mine"), status
        first, second = (jobs.recorded(place.kubectl.get("job", f"{name}-{n}")) for n in (1, 2))
        assert first == second
        assert first is not None
        assert first.timeout_seconds == 77
        place.apply({**POLICY, "metadata": {"name": "mine"}, "spec": policy})


def retry(place: Place, name: str, token: str) -> Object:
    """Ask for another run and return the status at its end."""
    place.kubectl.run("patch", "logscan", name, "--type=merge", f'--patch={{"spec":{{"retry":"{token}"}}}}')

    def ended() -> Object:
        status = place.scans()[name]
        over = status["phase"] in ("Succeeded", "Failed") and status.get("lastHandledRetry") == token
        return status if over else {}

    return eventually(ended, 90, lambda: f"another run of {name}; {place.scans()[name]}; this")


def test_any_finished_scan_runs_again_and_leaves_a_row_of_its_own(place: Place) -> None:
    place.operator(None, **PATIENT)
    place.scan("fine", retry="first")
    place.scan("bad", {"fake-kubelet/exit": "70"}, attempts=2)
    place.scan("once", retry="first")
    runs = [place.until("fine", 90, phase="Succeeded"), *(retry(place, "fine", token) for token in ("a", "b", "a"))]
    assert [status["attempts"] for status in runs] == [1, 2, 3, 4]
    assert {status["phase"] for status in runs} == {"Succeeded"}
    assert len({status["result"]["sk"] for status in runs}) == 4, "a run found the row of the one before"
    assert len({status["startTime"] for status in runs}) == 4
    assert place.until("bad", 90, phase="Failed")["message"].endswith("(attempt 2 of 2)")
    again = retry(place, "bad", "a")
    assert (again["attempts"], again["priorAttempts"]) == (4, 2)
    assert again["message"].endswith("(attempt 2 of 2)")
    names = [f"fine-{n}" for n in (1, 2, 3, 4)] + [f"bad-{n}" for n in (1, 2, 3, 4)]
    assert sorted(place.jobs.created) == sorted([*names, "once-1"])
    assert place.scans()["once"]["lastHandledRetry"] == "first"


def test_all_failed_scans_run_again_by_one_command(place: Place) -> None:
    place.operator(None, **PATIENT)
    for number in range(3):
        place.scan(f"bad-{number}", {"fake-kubelet/exit": "66"})
    place.scan("good")
    for number in range(3):
        place.until(f"bad-{number}", 90, phase="Failed")
    place.until("good", 90, phase="Succeeded")
    failed = [name for name, status in place.scans().items() if status["phase"] == "Failed"]
    names = [f"logscan.logscan.dev/{name}" for name in failed]
    place.kubectl.run("patch", *names, "--type=merge", '--patch={"spec":{"retry":"2026-11-26"}}')
    for name in failed:
        place.until(name, 90, phase="Failed", lastHandledRetry="2026-11-26", attempts=2)
    assert place.scans()["good"]["attempts"] == 1


def test_a_finished_scan_that_is_changed_stays_finished_and_was_observed(place: Place) -> None:
    place.operator(None, **PATIENT)
    place.scan("done")
    ended = place.until("done", 90, phase="Succeeded")
    place.kubectl.run("patch", "logscan", "done", "--type=merge", '--patch={"spec":{"priority":5}}')
    assert place.until("done", 60, observedGeneration=2) == {**ended, "observedGeneration": 2}


@pytest.mark.parametrize("word", ["ErrImageNeverPull", "InvalidImageName"])
def test_an_image_that_can_never_be_pulled_is_said_at_once(place: Place, word: str) -> None:
    """Long before `pendingSeconds`, which is five minutes here."""
    place.operator(None, **PATIENT)
    place.scan("imageless", {"fake-kubelet/hold": "yes"})
    set_waiting(place, "imageless-1", word)
    status = place.until("imageless", 60, phase="Failed", reason="ImagePullFailed")
    assert (word in status["message"], status["attempts"]) == (True, 1)


def test_a_registry_that_is_away_is_told_soon_and_fails_no_scan(place: Place) -> None:
    place.operator(None, **PATIENT, pending_seconds="12")
    place.scan("patient", {"fake-kubelet/hold": "yes"})
    set_waiting(place, "patient-1", "ImagePullBackOff")
    status = place.until("patient", 60, phase="Running", reason="ImagePullFailed")
    assert "ImagePullBackOff" in status["message"]
    place.until("patient", 60, phase="Queued", reason="Backoff")
    eventually(lambda: "patient-2" in place.jobs.created, 60, "another attempt")


def set_waiting(place: Place, job: str, word: str) -> None:
    """Have the pod of a Job wait as a kubelet's would."""
    selector = f"--selector=batch.kubernetes.io/job-name={job}"
    (pod,) = eventually(lambda: place.kubectl.get("pods", selector)["items"], 60, "the pod")
    container = {"name": "scanner", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    waiting = {"reason": word, "message": "the image"}
    patch = {"status": {"containerStatuses": [{**container, "state": {"waiting": waiting}}]}}
    name = pod["metadata"]["name"]
    place.kubectl.run("patch", "pod", name, "--subresource=status", "--type=merge", f"--patch={json.dumps(patch)}")
