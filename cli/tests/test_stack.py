"""`doctor` and `selftest` on the whole embedded stack."""

from typing import TYPE_CHECKING

import pytest
from conftest import Done, Run

from logscan_local.testkit.waiting import eventually
from logscan_tools.manifests import NAMESPACE

if TYPE_CHECKING:
    from logscan_local.stack.stacks import Stack

pytestmark = [pytest.mark.stack, pytest.mark.controlplane]


@pytest.fixture(scope="session")
def whole(full_stack: "Stack") -> "Stack":
    if not hasattr(full_stack, "environment"):
        pytest.skip("of a cluster elsewhere, credentials of AWS are not known")
    return full_stack


def test_a_canary_is_followed_to_its_row_and_taken_away(whole: "Stack", run: Run) -> None:
    from logscan_local.stack import aws

    state = whole.state()
    assert state is not None
    done = run("selftest", "--bucket", state.resources.bucket, **whole.environment())
    assert done.returncode == 0, done.stderr + done.stdout
    steps = [line.split()[2] for line in done.stdout.splitlines()[:-1]]
    assert steps == ["uploaded", "LogScan", "Job", "finished", "row"]
    address = done.stdout.splitlines()[0].split()[-1]
    key = address.removeprefix(f"s3://{state.resources.bucket}/")
    listed = aws.client("s3", state.resources.endpoint).list_objects_v2(Bucket=state.resources.bucket, Prefix=key)
    assert listed["KeyCount"] == 0
    name = done.stdout.splitlines()[1].split()[-1]
    scans = whole.kubectl().get("logscans", "--namespace", NAMESPACE)["items"]
    assert name not in [scan["metadata"]["name"] for scan in scans]


def test_all_is_well_and_no_policy_is_a_problem(whole: "Stack", run: Run) -> None:
    state = whole.state()
    assert state is not None

    def well() -> Done | None:
        done = run("doctor", "--bucket", state.resources.bucket, "--key", "a.log", **whole.environment())
        return done if done.returncode == 0 else None

    found = eventually(well, 60, "doctor finds no problem")
    assert found is not None
    assert "problem" not in found.stdout


def test_a_canary_that_nobody_may_see_names_where_it_stopped(whole: "Stack", run: Run) -> None:
    done = run("selftest", "--bucket", "no-such-bucket", **whole.environment())
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "stopped at upload" in line) == (8, True)
    state = whole.state()
    assert state is not None
    # The reports bucket tells nobody of uploads.
    done = run("selftest", "--bucket", state.resources.reports_bucket, "--timeout", "3", **whole.environment())
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "stopped at queue -> LogScan" in line) == (8, True)
    assert "doctor" in line
