"""`doctor` and `selftest` on the whole embedded stack: on an installation that works, and with what users break."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import CODE, Done, program

if TYPE_CHECKING:
    from logscan_local.stack.kubectl import Kubectl
    from logscan_local.stack.stacks import Stack
    from logscan_local.stack.state import State

pytestmark = pytest.mark.stack

RULES = {"inline": [{"name": "err", "pattern": "ERROR"}]}
Command = Callable[..., Done]


@pytest.fixture(scope="module")
def kubectl(full_stack: "Stack") -> Iterator["Kubectl"]:
    made = full_stack.kubectl()
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": "doctored"}}
    made.apply([{**document, "spec": {"rules": RULES}}])
    yield made
    made.run("delete", "logscanpolicy", "doctored", "--ignore-not-found")


@pytest.fixture(scope="module")
def state(full_stack: "Stack") -> "State":
    state = full_stack.state()
    assert state is not None
    return state


@pytest.fixture
def command(full_stack: "Stack", state: "State", kubectl: "Kubectl", tmp_path: Path) -> Command:
    def command(*arguments: str) -> Done:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **CODE, **full_stack.environment()}
        given = [*arguments, "--bucket", state.resources.bucket, "--operator-namespace", kubectl.namespace]
        return subprocess.run(program(*given), capture_output=True, text=True, env=environment, check=False)

    return command


def checked(done: Done) -> dict[str, dict[str, Any]]:
    return {line["check"]: line for line in json.loads(done.stdout)}


def test_a_working_installation_is_well(command: Command) -> None:
    done = command("doctor", "-o", "json")
    found = checked(done)
    assert {name: line["message"] for name, line in found.items() if line["state"] == "problem"} == {}, done.stdout
    assert done.returncode == 0
    assert len(found) >= 8


def test_a_canary_goes_through_the_operator_and_a_scanner(command: Command, kubectl: "Kubectl") -> None:
    done = command("selftest", "--timeout", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    left = [scan["metadata"]["name"] for scan in kubectl.get("logscans")["items"] if "selftest" in str(scan["spec"])]
    assert left == []


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--queue", "http://127.0.0.1:1/123456789012/none.fifo"], {"queue", "dead letters", "notification"}),
        (["--table", "no-such-table"], {"table"}),
    ],
)
def test_what_a_user_breaks_is_named(command: Command, arguments: list[str], found: set[str]) -> None:
    done = command("doctor", "-o", "json", *arguments)
    problems = {name: line for name, line in checked(done).items() if line["state"] == "problem"}
    assert (done.returncode, set(problems)) == (8, found)
    for line in problems.values():
        assert "check the name" in line["message"] or line["advice"], line
