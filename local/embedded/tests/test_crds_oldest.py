"""The CRDs on the oldest version of Kubernetes that the chart allows, judged by the code of its API server.

Newer versions estimate the cost of CEL rules lower: what the newest one accepts may be refused by the others.
"""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml
from crdcases import SCAN, changed, rule

from logscan_api import crds
from logscan_api.logscans import IMMUTABLE
from logscan_tools import binaries
from logscan_tools.gobuild import PROGRAMS
from logscan_tools.paths import REPOSITORY

pytestmark = pytest.mark.tools

MANY = [rule(name=f"r{n}", pattern="x" * 700) for n in range(100)]
LONG_KEY = {"s3": {"bucket": "logs", "objects": [{"key": "a"}, {"key": "ö" * 513}]}}
OTHERS = {
    "source__s3__key": "b.log",
    "roleArn": "arn:aws:iam::111122223333:role/logs",
    "rules__packs": ["etcd"],
    "records": {"framing": "Lines"},
    "limits": {"maxBytes": 5},
    "notify": {"email": {"to": ["a@b.example"]}},
    "attempts": 2,
    "timeoutSeconds": 99,
    "job": {"nodeSelector": {"a": "b"}},
}


def ask(writes: list[tuple[Any, Any]]) -> tuple[list[list[str]], list[list[str]]]:
    """Return why the API server refuses each CRD, and each write (what is stored, what is written) of a LogScan."""
    built = crds.build_all()
    ours = [built.pop("logscans.yaml"), *built.values()]
    question = {"CRDs": ours, "Writes": [{"Old": old, "New": new} for old, new in writes]}
    program = binaries.pinned(binaries.CRD_CHECK, lambda _: None)
    done = subprocess.run([program], input=json.dumps(question), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return answer["CRDs"], answer["Writes"]


def refusal(old: Any, new: Any) -> str:
    return " ".join(ask([(old, new)])[1][0])


def test_the_version_is_the_oldest_that_the_chart_allows() -> None:
    module = (PROGRAMS / "crdcheck" / "go.mod").read_text()
    chart = yaml.safe_load((REPOSITORY / "manifests" / "chart" / "Chart.yaml").read_text())
    (minor,) = re.findall(r"apiextensions-apiserver v0\.(\d+)\.0", module)
    assert chart["kubeVersion"] == f">=1.{minor}.0-0"


def test_the_crds_are_accepted() -> None:
    assert ask([])[0] == [[], [], []]


def test_a_new_logscan_is_held_to_all_rules() -> None:
    assert refusal(None, SCAN) == ""
    assert "key and versionId of each object have at most 1024 bytes" in refusal(None, changed(source=LONG_KEY))
    assert "set exactly one of key" in refusal(None, changed(source__s3__prefix="a/"))
    assert "all texts of the spec have at most 65536 bytes" in refusal(None, changed(rules={"inline": MANY}))
    negative = changed(job={"resources": {"limits": {"memory": "-1"}}})
    assert "and not negative" in refusal(None, negative)


@pytest.mark.parametrize("field", OTHERS)
def test_no_immutable_field_can_be_changed_set_or_removed(field: str) -> None:
    other, name = changed(**{field: OTHERS[field]}), field.split("__", maxsplit=1)[0]
    for old, new in ((SCAN, other), (other, SCAN)):
        assert f"spec.{name} is immutable: delete the LogScan" in refusal(old, new)


def test_the_fields_are_all_of_them() -> None:
    assert {field.split("__")[0] for field in OTHERS} == set(IMMUTABLE)


@pytest.mark.parametrize("stored", [{"rules": {"inline": MANY}}, {"source": LONG_KEY}])
def test_what_is_stored_can_get_a_status_and_be_suspended(stored: dict[str, Any]) -> None:
    """Also a LogScan that was stored when the rules were others: it must not be stuck for ever."""
    old = changed(**stored)
    assert refusal(old, {**old, "status": {"phase": "Running", "reason": "Running"}}) == ""
    assert refusal(old, changed(**stored, suspend=True, priority=3, retry="x")) == ""
