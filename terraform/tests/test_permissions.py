"""Each role may do what its code calls, and nothing else.

The calls are read from the code: every operation of the AWS services that a package makes clients for. `ACTIONS` says
which actions an operation needs (Service Authorization Reference, "Actions, resources, and condition keys"; for KMS the
pages on encryption at rest of SQS, S3 and DynamoDB).
"""

import ast
import copy
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from conftest import EVERYTHING, Evaluate, Outputs

from logscan_api.identity import partition_key
from logscan_api.roles import assumed_role
from logscan_api.sources import S3Source
from logscan_local.stack.permissions import policy_document

pytestmark = pytest.mark.tools

REPOSITORY = Path(__file__).resolve().parents[2]
# Import-linter sees to it that nothing else imports boto3 or botocore.
OF_OPERATOR = ("assuming.py", "aws.py", "buckets.py")
CODE = {
    "operator": [REPOSITORY / "operator" / "src" / "logscan_operator" / name for name in OF_OPERATOR],
    "scanner": sorted((REPOSITORY / "scanner-job" / "src" / "logscan_scanner" / "aws").glob("*.py")),
    "forwarder": sorted((REPOSITORY / "terraform" / "forwarder" / "src" / "logscan_forwarder").glob("*.py")),
}
DECRYPT, ENCRYPT = {"kms:Decrypt"}, {"kms:Decrypt", "kms:GenerateDataKey"}
ACTIONS: dict[str, set[str]] = {
    "sqs:ReceiveMessage": {"sqs:ReceiveMessage"} | DECRYPT,
    # A batch needs the single action's permission.
    "sqs:GetQueueAttributes": {"sqs:GetQueueAttributes"},
    "sqs:DeleteMessageBatch": {"sqs:DeleteMessage"},
    "sqs:ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
    "sqs:SendMessage": {"sqs:SendMessage"} | ENCRYPT,
    "sqs:SendMessageBatch": {"sqs:SendMessage"} | ENCRYPT,
    "dynamodb:BatchGetItem": {"dynamodb:BatchGetItem"} | DECRYPT,
    "dynamodb:GetItem": {"dynamodb:GetItem"} | DECRYPT,
    "dynamodb:PutItem": {"dynamodb:PutItem"} | ENCRYPT,
    "dynamodb:UpdateItem": {"dynamodb:UpdateItem"} | ENCRYPT,
    # ListBucket makes a missing object a 404 instead of a 403.
    "s3:GetObject": {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"} | DECRYPT,
    "s3:ListObjectsV2": {"s3:ListBucket"},
    # With a version, the actions have other names (service authorization reference, "Amazon S3").
    "s3:GetObjectTagging": {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
    "s3:PutObjectTagging": {"s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
    "s3:PutObject": {"s3:PutObject"} | ENCRYPT,
    "s3:CreateMultipartUpload": {"s3:PutObject"} | ENCRYPT,
    "s3:UploadPart": {"s3:PutObject"} | ENCRYPT,
    "s3:CompleteMultipartUpload": {"s3:PutObject"} | ENCRYPT,
    "s3:AbortMultipartUpload": {"s3:AbortMultipartUpload"},
    # The session that Pod Identity gives has tags that the next one inherits, which counts as tagging that (EKS user
    # guide, "Grant Pods access to AWS resources based on tags"; aws/eks-pod-identity-agent, issue 80).
    "sts:AssumeRole": {"sts:AssumeRole", "sts:TagSession"},
    "sesv2:SendEmail": {"ses:SendEmail"},
    "sns:Publish": {"sns:Publish"},
    "events:PutEvents": {"events:PutEvents"},
}
# The operator reads no version of an object but the newest.
UNUSED = {"operator": {"s3:GetObjectVersion"}}
# What Lambda itself does with the forwarder's role: its log, the on-failure destination, and reading that queue again
# (Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping").
BY_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
BY_LAMBDA |= {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}

# Keys of conditions that the emulator does not know, in policies of identities.
UNKNOWN_KEYS = {"aws:ResourceAccount", "kms:ViaService", "sts:ExternalId"}
(ROLE_OF_LOGSCAN,), (ROLE_OF_TEAM,) = EVERYTHING["allowed_roles"].values()

# The services through which each role uses keys.
VIA = {
    "operator": {"sqs", "dynamodb", "s3"},
    "scanner": {"s3", "dynamodb"},
    "team-a": {"s3", "dynamodb"},
    "forwarder": {"sqs"},
}


def calls(source: list[Path]) -> set[str]:
    """Return the AWS operations that modules call, such as `sqs:ReceiveMessage`."""
    trees = [ast.parse(path.read_text()) for path in source]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    words = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    names = {n.attr for n in nodes if isinstance(n, ast.Attribute)} | words  # a paginator's operation is a string
    session = botocore.session.get_session()
    made = _strings_given_to(nodes, "client", "_client", "create_client")
    names |= {xform_name(operation) for operation in _strings_given_to(nodes, "Direct")}
    return {
        f"{service}:{operation}"
        for service in made
        for operation in session.get_service_model(service).operation_names
        if xform_name(operation) in names
    }


def _strings_given_to(nodes: list[ast.AST], *functions: str) -> set[str]:
    calls = [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func).rsplit(".", 1)[-1] in functions]
    values = [argument.value for call in calls for argument in call.args if isinstance(argument, ast.Constant)]
    return {value for value in values if isinstance(value, str)}


def difference(role: str, policy: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the actions of a policy that no call needs, and those that are missing."""
    needed = set[str]().union(*(ACTIONS[call] for call in calls(CODE[role])))
    needed = needed - UNUSED.get(role, set()) | (BY_LAMBDA if role == "forwarder" else set())
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    return allowed - needed, needed - allowed


@pytest.mark.parametrize("role", CODE)
def test_a_role_may_do_what_its_code_calls_and_nothing_else(role: str, everything: Outputs) -> None:
    assert difference(role, everything["policies"][role]) == (set(), set())


def test_the_calls_are_found_in_the_code() -> None:
    assert calls(CODE["operator"]) == {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessageBatch",
        "sqs:ChangeMessageVisibilityBatch",
        "sqs:GetQueueAttributes",
        "dynamodb:BatchGetItem",
        "s3:ListObjectsV2",
        "s3:GetObject",
        "sts:AssumeRole",
    }
    assert {"s3:GetObject", "s3:UploadPart", "sesv2:SendEmail"} <= calls(CODE["scanner"])


def test_one_action_too_many_is_found(everything: Outputs) -> None:
    policy = copy.deepcopy(everything["policies"]["scanner"])
    policy["Statement"][0]["Action"].append("s3:*")
    assert difference("scanner", policy) == ({"s3:*"}, set())


def test_one_action_too_few_is_found(everything: Outputs) -> None:
    policy = copy.deepcopy(everything["policies"]["operator"])
    policy["Statement"][0]["Action"].remove("sqs:ChangeMessageVisibility")
    assert difference("operator", policy) == (set(), {"sqs:ChangeMessageVisibility"})


@pytest.mark.parametrize("role", CODE)
def test_no_action_and_no_resource_is_a_wildcard(role: str, everything: Outputs) -> None:
    for statement in everything["policies"][role]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            assert "*" not in action
        for resource in statement["Resource"]:
            service = resource.split(":")[2]
            # Objects under a prefix, and the streams of one log group.
            assert resource.count("*") == (1 if service == "logs" or (service == "s3" and "/" in resource) else 0)
            assert resource.endswith("*") or "*" not in resource


@pytest.mark.parametrize("role", CODE)
def test_without_options_there_is_no_statement_about_them(role: str, documents: Evaluate, everything: Outputs) -> None:
    least = {s["Sid"] for s in documents()["policies"][role]["Statement"]}
    most = {s["Sid"] for s in everything["policies"][role]["Statement"]}
    assert least < most
    assert all(s["Resource"] for s in documents()["policies"][role]["Statement"])


@pytest.mark.parametrize("role", CODE)
def test_the_stack_on_one_machine_uses_the_same_policies(role: str, everything: Outputs) -> None:
    """The emulator evaluates these in every end-to-end run."""
    place = "eu-central-1:111122223333"
    arns, names = everything["arns"], everything["names"]
    buckets = [f"arn:aws:s3:::{names['logs_bucket']}", "arn:aws:s3:::theirs"]
    values = {
        "queue_arns": [arns["queue"]],
        "watched_queue_arns": [arns["queue"], arns["dead_letter_queue"]],
        "table_arns": [arns["table"]],
        "forwarder_queue_arns": [arns["queue"], arns["failure_queue"]],
        "failure_queue_arns": [arns["failure_queue"]],
        "forwarder_log_arns": [f"{arns['forwarder_log']}:*"],
        "log_bucket_arns": buckets,
        "log_object_arns": (logs := [f"{buckets[0]}/app/*", f"{buckets[0]}/audit/*", f"{buckets[1]}/*"]),
        "tagged_object_arns": logs,
        "inventory_object_arns": ["arn:aws:s3:::lists/s3/*"],
        "inventory_key_arns": ["arn:aws:kms:eu-central-1:111122223333:key/3"],
        "report_object_arns": [f"{arns['reports_bucket']}/*"],
        "mail_identity_arns": [f"arn:aws:ses:{place}:identity/example.com"],
        "mail_senders": ["logscan@example.com"],
        "topic_arns": EVERYTHING["topic_arns"],
        "event_bus_arns": EVERYTHING["event_bus_arns"],
        "key_arns": [EVERYTHING["kms_key_arn"]],
        "log_key_arns": ["arn:aws:kms:eu-central-1:111122223333:key/2"],
        "log_role_arns": [ROLE_OF_LOGSCAN, ROLE_OF_TEAM] if role == "operator" else [ROLE_OF_LOGSCAN],
    }
    ours = copy.deepcopy(everything["policies"][role])
    for statement in ours["Statement"]:
        if set(statement.get("Condition", {}).get("StringEquals", {})) & UNKNOWN_KEYS:
            del statement["Condition"]
    assert policy_document(role, values) == ours


def statements(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_a_tenants_scanner_reads_its_buckets_and_writes_its_rows_and_reports_only(everything: Outputs) -> None:
    own, theirs = statements(everything["policies"]["scanner"]), statements(everything["tenant_policies"]["team-a"])
    assert theirs["ReadLogs"]["Resource"] == ["arn:aws:s3:::theirs/*"]
    assert theirs["ListLogsAndTellMissingFromDenied"]["Resource"] == ["arn:aws:s3:::theirs"]
    assert theirs["WriteReports"]["Resource"] == [f"{everything['arns']['reports_bucket']}/team-a/*"]
    assert theirs["ReadAndWriteResults"] == {
        **own["ReadAndWriteResults"],
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["team-a#*"]}},
    }
    assert own.keys() - theirs.keys() == {"SendMail", "Publish", "PutEvents"}, "a tenant notifies nobody by default"


@pytest.mark.parametrize("role", [*CODE, "team-a"])
def test_buckets_are_those_of_known_accounts_and_keys_are_used_through_services(role: str, documents: Evaluate) -> None:
    buckets = {"theirs": {"account_id": "444455556666", "kms_key_arn": "arn:aws:kms:eu-central-1:444455556666:key/2"}}
    made = documents(**{**EVERYTHING, "existing_buckets": buckets})
    policy = (made["policies"] | made["tenant_policies"])[role]
    accounts = ["444455556666"] if role == "team-a" else ["111122223333", "444455556666"]
    for statement in policy["Statement"]:
        (service,) = {action.split(":")[0] for action in statement["Action"]}
        equal = statement.get("Condition", {}).get("StringEquals", {})
        if service == "s3":
            own = statement["Sid"] in ("WriteReports", "ReadInventories")
            assert sorted(equal["aws:ResourceAccount"]) == (["111122223333"] if own else accounts), statement["Sid"]
        elif service == "kms":
            assert set(equal["kms:ViaService"]) <= {f"{name}.eu-central-1.amazonaws.com" for name in VIA[role]}
        elif service != "sts":
            assert "111122223333" in "".join(statement["Resource"]), "these ARNs name the account"


def test_a_role_is_assumed_for_its_namespace_only(everything: Outputs) -> None:
    """A pod that was taken over can name no other namespace, whatever roles trust logscan."""
    prefix = everything["helm_values"]["settings"]["externalIdPrefix"]
    both = [f"{prefix}:logscan", f"{prefix}:team-a"]
    expected: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
        "operator": (everything["policies"]["operator"], [ROLE_OF_LOGSCAN, ROLE_OF_TEAM], both),
        "scanner": (everything["policies"]["scanner"], [ROLE_OF_LOGSCAN], both[:1]),
        "team-a": (everything["tenant_policies"]["team-a"], [ROLE_OF_TEAM], both[1:]),
    }
    for policy, roles, external_ids in expected.values():
        found = statements(policy)
        assert found["AssumeRolesOfBuckets"]["Resource"] == roles
        assert found["AssumeRolesOfBuckets"]["Condition"] == {"StringEquals": {"sts:ExternalId": external_ids}}
        assert found["KeepTagsOfPodIdentity"]["Resource"] == roles
    known = [assumed_role(role, prefix, name, "s") for name, (role,) in EVERYTHING["allowed_roles"].items()]
    assert [role.external_id for role in known if role] == both, "as operator and scanner say it"


def test_the_rows_and_reports_of_a_scan_are_those_that_its_role_may_write(everything: Outputs) -> None:
    """The condition and the resource hold what the code writes for the namespace, and for no other."""
    policy = statements(everything["tenant_policies"]["team-a"])
    (pattern,) = policy["ReadAndWriteResults"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    source = S3Source(bucket="theirs", key="team-a#x/*")
    assert fnmatchcase(partition_key("team-a", source), pattern)
    for other in ("team-b", "team-a-b", "team"):
        assert not fnmatchcase(partition_key(other, source), pattern)


def test_tenants_may_notify_whom_the_inputs_name(documents: Evaluate) -> None:
    topic = "arn:aws:sns:eu-central-1:111122223333:team-a"
    bus = "arn:aws:events:eu-central-1:111122223333:event-bus/team-a"
    lists = {"tenant_topic_arns": [topic], "tenant_event_bus_arns": [bus]}
    made = documents(**EVERYTHING, tenant_recipients=["*@example.com"], **lists)
    policy = statements(made["tenant_policies"]["team-a"])
    assert policy["SendMail"]["Condition"] == {
        "StringEquals": {"ses:FromAddress": ["logscan@example.com"]},
        "ForAllValues:StringLike": {"ses:Recipients": ["*@example.com"]},
    }
    assert policy["Publish"]["Resource"] == [topic]
    assert policy["PutEvents"]["Resource"] == [bus]


def test_each_tenant_has_a_role_that_only_its_service_account_may_take(everything: Outputs) -> None:
    trust = everything["pod_trusts"]["scanner/team-a"]["Statement"][0]["Condition"]["StringEquals"]
    assert trust["aws:RequestTag/kubernetes-namespace"] == ["team-a"]
    assert trust["aws:RequestTag/kubernetes-service-account"] == "logscan-scanner"
    assert everything["tenant_roles"] == {"team-a": "logscan-scanner-team-a"}
    own = everything["pod_trusts"]["scanner"]["Statement"][0]["Condition"]["StringEquals"]
    assert own["aws:RequestTag/kubernetes-namespace"] == ["logscan"]


def test_a_role_of_a_long_namespace_has_a_name_that_iam_accepts(documents: Evaluate) -> None:
    names = documents(namespaces={"scans": {"n" * 63: [], "n" * 62 + "m": []}})["tenant_roles"].values()
    assert len(set(names)) == 2
    assert all(len(name) <= 64 for name in names)


def test_a_resource_policy_allows_no_wildcard(documents: Evaluate, everything: Outputs) -> None:
    """Denials are as wide as can be; the one wide permission is the account's own on its key, as KMS asks for."""
    without = documents(**EVERYTHING, create_forwarder=False)
    policies = [*everything["queue_policies"].values(), *everything["bucket_policies"].values()]
    policies += without["queue_policies"].values()
    assert len(policies) == 7
    for policy in policies:
        denials = [s for s in policy["Statement"] if s["Effect"] == "Deny"]
        assert any(s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for s in denials)
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                assert "*" not in statement["Action"]
                (service,) = statement["Principal"].values()
                if service == "s3.amazonaws.com":
                    buckets = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
                    assert buckets == ["arn:aws:s3:::logscan-logs-111122223333-eu-central-1"]
                    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
                else:
                    assert service == "events.amazonaws.com"
                    assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":rule/logscan-*")
    (own,) = everything["key_policy"]["Statement"]
    assert own["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
