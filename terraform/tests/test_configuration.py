"""The configuration itself: formatted, known to the provider, safe, documented."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logscan_tools.terraform import provider, readme
from logscan_tools.terraform.configuration import EXAMPLES, MODULES, TERRAFORM, Block, blocks, load, named
from logscan_tools.terraform.provider import UnavailableError

SCHEMA: dict[str, Any] = json.loads(provider.SCHEMA.read_text())
RESOURCES = blocks("resource")
FOLDERS = [*MODULES, *EXAMPLES]


def of_type(name: str) -> list[Block]:
    return [block for block in RESOURCES if block.type == name]


def problems(block: Block, known: dict[str, Any]) -> Iterator[str]:
    """Yield what the provider would not take: unknown arguments and blocks, and required ones left out."""
    for name in block.arguments.keys() - known["attributes"].keys():
        yield f"{block.file}: {block.address}.{name} is no argument"
    present = block.arguments.keys() | {name for name, _ in block.blocks()}
    nodes = {**known["attributes"], **{name: node["required"] for name, node in known["blocks"].items()}}
    for name, required in nodes.items():
        if required and name not in present:
            yield f"{block.file}: {block.address}.{name} is required"
    for name, inner in block.blocks():
        if name in known["blocks"]:
            yield from problems(inner, known["blocks"][name])
        else:
            yield f"{block.file}: {block.address}.{name} is no block"


@pytest.mark.tools
def test_it_is_formatted(terraform: Any) -> None:
    done = terraform(TERRAFORM, "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout


@pytest.mark.tools
def test_the_documents_modules_own_tests_pass(terraform: Any, documents: Any) -> None:
    folder = TERRAFORM / "modules" / "documents"
    assert terraform(folder, "init", "-backend=false", "-input=false").returncode == 0
    done = terraform(folder, "test", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Success! \d{2,} passed, 0 failed", done.stdout)


@pytest.mark.parametrize("kind", ["resource", "data"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_the_provider_knows_every_resource_and_argument(kind: str, folder: Path) -> None:
    for block in blocks(kind, folder):
        if block.type.startswith("aws_"):
            assert block.type in SCHEMA[kind], f"run `make generate`: {block.type} is not in schema.json"
            assert list(problems(block, SCHEMA[kind][block.type])) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"name": "q", "fifo": True}, "fifo is no argument"),
        ({"timeouts": [{"create": "1m", "never": "1m", "__is_block__": True}]}, "timeouts.never is no argument"),
        ({"redrive": [{"__is_block__": True}]}, "redrive is no block"),
    ],
)
def test_the_schema_check_finds_what_is_wrong(body: dict[str, Any], problem: str) -> None:
    block = Block("aws_sqs_queue.x", "aws_sqs_queue", body, "x.tf")
    assert any(problem in found for found in problems(block, SCHEMA["resource"]["aws_sqs_queue"]))


def test_the_schema_check_misses_what_is_required() -> None:
    found = list(
        problems(Block("aws_eks_cluster.x", "aws_eks_cluster", {}, "x.tf"), SCHEMA["resource"]["aws_eks_cluster"])
    )
    assert {f.split(".")[-1] for f in found} == {"name is required", "role_arn is required", "vpc_config is required"}


def test_the_schema_is_that_of_the_lower_bound() -> None:
    for module in MODULES:
        for required in load(module / "versions.tf")["terraform"][0].get("required_providers", []):
            assert required["aws"]["version"].strip('"').startswith(f">= {SCHEMA['provider']},")


@pytest.mark.tools
def test_the_schema_is_what_the_package_has() -> None:
    try:
        generated = provider.generate()
    except UnavailableError as error:
        pytest.skip(f"the provider's schema cannot be compared: {error}")
    assert provider.SCHEMA.read_text() == generated


def test_every_bucket_is_private_encrypted_versioned_and_owned() -> None:
    (bucket,) = of_type("aws_s3_bucket")
    for name in ("public_access_block", "ownership_controls", "versioning", "policy", "lifecycle_configuration"):
        (guard,) = of_type(f"aws_s3_bucket_{name}")
        assert guard.body["for_each"] == bucket.body["for_each"] == "${local.buckets}"
    (block,) = of_type("aws_s3_bucket_public_access_block")
    switches = {name: value for name, value in block.arguments.items() if name != "bucket"}
    assert switches == dict.fromkeys(
        ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
    )
    (encryption,) = of_type("aws_s3_bucket_server_side_encryption_configuration")
    assert encryption.body["for_each"] == "${local.buckets}"


def test_every_queue_is_encrypted_and_tls_only() -> None:
    queues = of_type("aws_sqs_queue")
    assert len(queues) == 3
    for queue in queues:
        assert queue.arguments["sqs_managed_sse_enabled"] == "${var.kms_key_arn == null ? true : null}"
        assert queue.arguments["kms_master_key_id"] == "${var.kms_key_arn}"
    urls = json.dumps([policy.body for policy in of_type("aws_sqs_queue_policy")])
    assert set(re.findall(r"aws_sqs_queue\.\w+", urls)) == {queue.address for queue in queues}


def test_every_role_takes_the_permissions_boundary() -> None:
    for role in of_type("aws_iam_role"):
        assert role.arguments["permissions_boundary"] == "${var.permissions_boundary_arn}", role.address


def test_what_can_be_tagged_is_tagged() -> None:
    for block in RESOURCES:
        if "tags" in SCHEMA["resource"].get(block.type, {}).get("attributes", {}):
            assert "tags" in block.arguments, block.address


@pytest.mark.parametrize("kind", ["variable", "output"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_inputs_and_outputs_are_described_and_typed(kind: str, folder: Path) -> None:
    for name, body in named(kind, folder).items():
        assert len(str(body.get("description", ""))) > 5, name
        assert kind == "output" or "type" in body, name


@pytest.mark.parametrize("module", MODULES, ids=lambda f: f.name)
def test_every_input_is_used(module: Path) -> None:
    text = "".join(path.read_text() for path in module.glob("*.tf") if path.name != "variables.tf")
    assert [name for name in named("variable", module) if f"var.{name}" not in text] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda f: f.name)
def test_a_module_has_the_files_of_the_standard_structure(module: Path) -> None:
    """And the root's calls of other modules are in its main file (Terraform, "Standard module structure")."""
    for name in ("README.md", "main.tf", "variables.tf", "outputs.tf", "versions.tf"):
        assert (module / name).exists(), name
    assert [path.name for path in module.glob("*.tf") if load(path).get("module")] in ([], ["main.tf"])
    for kind in ("variable", "output"):
        assert {path.name for path in module.glob("*.tf") if load(path).get(kind)} == {f"{kind}s.tf"}


@pytest.mark.parametrize("module", MODULES, ids=lambda f: f.name)
def test_the_readme_lists_every_input_and_output(module: Path) -> None:
    assert readme.main(["--check"]) == 0
    text = (module / "README.md").read_text()
    for name in [*named("variable", module), *named("output", module)]:
        assert f"| `{name}` |" in text
    assert "optional, required" not in text


def test_the_readme_lists_the_fields_of_an_input() -> None:
    text = (TERRAFORM / "README.md").read_text()
    assert "`sender`: string, required" in text
    assert "`scans`: map(list(string)), {}" in text


@pytest.mark.tools
def test_checkov_finds_nothing(tmp_path: Path) -> None:
    program = TERRAFORM.parent / ".venv-checkov" / "bin" / "checkov"
    assert program.exists(), "checkov is missing: `make setup` installs it"
    command = [str(program), "--directory", str(TERRAFORM), "--framework", "terraform", "--output", "json", "--quiet"]
    done = subprocess.run(
        [*command, "--skip-path", "tests", "--download-external-modules", "false"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    report = json.loads(done.stdout)
    failed = [f"{c['check_id']} {c['resource']}: {c['check_name']}" for c in report["results"]["failed_checks"]]
    assert failed == []
    assert report["summary"]["passed"] > 80
    assert report["summary"]["parsing_errors"] == 0


def test_every_skip_of_checkov_is_argued() -> None:
    for path in TERRAFORM.rglob("*.tf"):
        for line in path.read_text().splitlines():
            if "checkov:skip" in line:
                assert re.search(r"# checkov:skip=CKV2?_AWS_\d+:[A-Z].{20,}\.$", line), f"{path.name}: {line.strip()}"
