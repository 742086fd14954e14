"""Fixtures: Terraform (or OpenTofu), and what the documents module makes of given inputs."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from logscan_tools import binaries
from logscan_tools.terraform.configuration import TERRAFORM

pytest_plugins = ["logscan_local.testkit.fixtures"]

Outputs = dict[str, Any]
Evaluate = Callable[..., Outputs]

EXAMPLE: dict[str, Any] = {
    "name": "logscan",
    "account": {"id": "111122223333", "region": "eu-central-1"},
    "cluster_name": "prod",
    "queue_url": "https://sqs.eu-central-1.amazonaws.com/111122223333/logscan.fifo",
}
EVERYTHING: dict[str, Any] = {
    "prefixes": ["app/", "audit/"],
    "existing_buckets": {"theirs": {"kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/2"}},
    "inventories": {"lists": {"prefixes": ["s3/"], "kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/3"}},
    "mail": {"identity": "example.com", "sender": "logscan@example.com"},
    "topic_arns": ["arn:aws:sns:eu-central-1:111122223333:oncall"],
    "event_bus_arns": ["arn:aws:events:eu-central-1:111122223333:event-bus/oncall"],
    "kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/1",
    "namespaces": {"scans": {"team-a": ["theirs"]}},
    "allowed_roles": {
        "logscan": ["arn:aws:iam::444455556666:role/logscan-reads-trails"],
        "team-a": ["arn:aws:iam::777788889999:role/team-a/logs"],
    },
    "external_id_prefix": "logscan/prod",
    "tag_objects": True,
    "operator_pods": {"node_selector": {"logscan.dev/role": "operator"}},
    "scan_pods": {
        "node_selector": {"logscan.dev/role": "scans"},
        "tolerations": [
            {"key": "logscan.dev/role", "operator": "Equal", "value": "scans", "effect": "NoSchedule"},
        ],
    },
}

# What SQS calls the attributes of queues.
QUEUE_ATTRIBUTES = {
    "fifo_queue": "FifoQueue",
    "deduplication_scope": "DeduplicationScope",
    "fifo_throughput_limit": "FifoThroughputLimit",
    "content_based_deduplication": "ContentBasedDeduplication",
    "visibility_timeout_seconds": "VisibilityTimeout",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "message_retention_seconds": "MessageRetentionPeriod",
    "redrive_policy": "RedrivePolicy",
    "redrive_allow_policy": "RedriveAllowPolicy",
}


@pytest.fixture(scope="session")
def terraform() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs Terraform in a folder."""
    program = binaries.terraform(lambda _: None)

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Nobody's settings: no provider is needed, and OpenTofu mixes complaints about them into its JSON.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        environment |= {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        return subprocess.run(
            [str(program), f"-chdir={folder}", *arguments], capture_output=True, text=True, check=False, env=environment
        )

    return run


@pytest.fixture(scope="session")
def documents(terraform: Any, tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """Return a function that gives the documents module's outputs for inputs; it needs no provider."""
    folder = tmp_path_factory.mktemp("documents")
    shutil.copytree(TERRAFORM / "modules" / "documents", folder, dirs_exist_ok=True)
    initialised = terraform(folder, "init", "-backend=false", "-input=false", "-no-color")
    assert initialised.returncode == 0, initialised.stderr

    def evaluate(**inputs: Any) -> Outputs:
        (folder / "terraform.tfvars.json").write_text(json.dumps({**EXAMPLE, **inputs}))
        applied = terraform(folder, "apply", "-auto-approve", "-input=false", "-no-color")
        assert applied.returncode == 0, applied.stderr
        outputs = json.loads(terraform(folder, "output", "-json").stdout)
        return {name: output["value"] for name, output in outputs.items()}

    return evaluate


@pytest.fixture(scope="session")
def everything(documents: Evaluate) -> Outputs:
    """Return the outputs with all that can be switched on."""
    return documents(**EVERYTHING)
