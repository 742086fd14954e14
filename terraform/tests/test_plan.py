"""Terraform validates, plans and applies the module, by the provider's schema and without the provider.

`awsschema` (tools/programs) stands in for the provider: it knows every argument and attribute, and calls nobody.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from logscan_tools import binaries
from logscan_tools.paths import platform_name
from logscan_tools.terraform import provider
from logscan_tools.terraform.configuration import EXAMPLES, TERRAFORM

pytestmark = pytest.mark.tools

REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")
IN_A_CLUSTER_OF_OTHERS = {
    "cluster": {"create": False, "name": "prod"},
    "existing_buckets": {"theirs": {}, "ours": {"notification": "direct"}},
}

Run = Callable[..., str]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of providers with the one that stands in for that of AWS."""
    folder = tmp_path_factory.mktemp("mirror")
    version = json.loads(provider.SCHEMA.read_text())["provider"]
    for registry in REGISTRIES:
        place = folder / registry / "hashicorp" / "aws" / version / "_".join(platform_name())
        place.mkdir(parents=True)
        shutil.copy(binaries.pinned(binaries.AWS_SCHEMA, print), place / f"terraform-provider-aws_v{version}")
    return folder


@pytest.fixture
def run(terraform: Any, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs Terraform in a folder, initialised first, and returns what it prints."""
    monkeypatch.setenv("AWS_SCHEMA", str(provider.SCHEMA))

    def run(folder: Path, *arguments: str, fails: bool = False) -> str:
        if not (folder / ".terraform").exists():
            run_once(folder, "init", "-input=false", f"-plugin-dir={mirror}")
        return run_once(folder, *arguments, fails=fails)

    def run_once(folder: Path, command: str, *arguments: str, fails: bool = False) -> str:
        done: subprocess.CompletedProcess[str] = terraform(folder, command, "-no-color", *arguments)
        assert bool(done.returncode) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies the module to a new folder, as another machine would have it."""

    def copy(name: str) -> Path:
        folder = tmp_path / name
        unwanted = shutil.ignore_patterns(".terraform*", "*.tfstate*")
        shutil.copytree(TERRAFORM, folder, ignore=unwanted)
        (folder / "test.auto.tfvars.json").write_text(json.dumps(IN_A_CLUSTER_OF_OTHERS))
        return folder

    return copy


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_is_valid(example: Path, checkout: Callable[[str], Path], run: Run) -> None:
    folder = checkout("here") / "examples" / example.name
    assert "Success!" in run(folder, "validate")


def test_an_attribute_that_there_is_not_is_found(checkout: Callable[[str], Path], run: Run) -> None:
    folder = checkout("here")
    wrong = (folder / "outputs.tf").read_text().replace("aws_sqs_queue.main.url", "aws_sqs_queue.main.link")
    (folder / "outputs.tf").write_text(wrong)
    assert "link" in run(folder, "validate", fails=True)


def test_the_modules_own_tests_pass(checkout: Callable[[str], Path], run: Run) -> None:
    folder = checkout("here")
    (folder / "test.auto.tfvars.json").unlink()
    told = run(folder, "test")
    assert "0 failed" in told
    assert "without_the_forwarder" in told


def test_a_saved_plan_is_applied_by_another_machine(checkout: Callable[[str], Path], run: Run) -> None:
    one, other = checkout("one"), checkout("other")
    run(one, "plan", "-input=false", "-out=saved")
    shutil.copy(one / "saved", other)
    shutil.copy(one / ".terraform.lock.hcl", other)
    shutil.rmtree(one)
    assert "Apply complete!" in run(other, "apply", "-input=false", "saved")
    assert "No changes." in run(other, "plan", "-input=false")


def applied(folder: Path, type_: str) -> list[dict[str, Any]]:
    """Return the attributes of all applied resources of a type."""
    resources = json.loads((folder / "terraform.tfstate").read_text())["resources"]
    return [instance["attributes"] for found in resources if found["type"] == type_ for instance in found["instances"]]


def test_the_forwarder_can_be_left_out_and_come_back(checkout: Callable[[str], Path], run: Run) -> None:
    folder = checkout("here")
    for create in (True, False, True):
        run(folder, "apply", "-input=false", "-auto-approve", "-var", f"forwarder={{create={json.dumps(create)}}}")
        assert len(applied(folder, "aws_lambda_function")) == create
        assert len(applied(folder, "aws_sqs_queue")) == 2 + create
        notifications = applied(folder, "aws_s3_bucket_notification")
        assert len(notifications) == 2
        for made in notifications:
            assert (bool(made["lambda_function"]["value"]), bool(made["queue"]["value"])) == (create, not create)
