"""AWS on this machine: MiniStack over HTTP on the loopback interface, with the resources that Terraform makes.

Who may do what is real too: operator, scanner and forwarder each have an IAM user with the policy document that
Terraform attaches to their role (`terraform/policies`), and MiniStack evaluates it.
"""

import io
import json
import os
import string
import sys
import urllib.error
import urllib.request
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from logscan_api.results import TTL_ATTRIBUTE, table_definition
from logscan_local import processes
from logscan_local.paths import REPOSITORY, StackPaths
from logscan_local.processes import Part

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

REGION = "eu-central-1"
ACCOUNT = "000000000000"
READY_SECONDS = 60
BUCKET = "logs"
REPORTS_BUCKET = "logscan-reports"
TABLE = "logscan-results"
TOPIC = "logscan"
QUEUE = "logscan.fifo"
DEAD_LETTER_QUEUE = "logscan-dlq.fifo"
FORWARDER = "logscan-forwarder"
SENDER = "logscan@example.com"
VISIBILITY_SECONDS = 60
RETENTION_SECONDS = 14 * 24 * 3600
MAX_RECEIVES = 5
SERVICES = "s3,sqs,sns,dynamodb,ses,lambda,iam,sts,logs"
POLICIES = REPOSITORY / "terraform" / "policies"
FORWARDER_SOURCE = REPOSITORY / "terraform" / "forwarder" / "src"


@dataclass(frozen=True)
class Credentials:
    """An IAM user's access key."""

    access_key_id: str
    secret_access_key: str

    def environment(self) -> dict[str, str]:
        """Return the standard environment variables."""
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}


ADMINISTRATOR = Credentials("test", "test")  # MiniStack's root


@dataclass(frozen=True)
class Resources:
    """What `create_all` made, for those who use it."""

    endpoint: str
    bucket: str
    reports_bucket: str
    table: str
    topic_arn: str
    queue_url: str
    dead_letter_queue_url: str
    operator: Credentials
    scanner: Credentials

    def to_json(self) -> dict[str, Any]:
        """Return the form for the state file."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Resources":
        """Return what `to_json` wrote."""
        users = {name: Credentials(**document[name]) for name in ("operator", "scanner")}
        return cls(**{**document, **users})


def start(paths: StackPaths, port: int) -> Part:
    """Start MiniStack and return when it answers.

    Raises:
        PartFailedError: It did not start.
    """
    data = paths.root / "aws"
    temporary = data / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    endpoint = f"http://127.0.0.1:{port}"
    scripts = Path(sys.executable).parent
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "S3_DATA_DIR": str(data / "s3"),
        "TMPDIR": str(temporary),
        "SERVICES": SERVICES,
        "LOG_LEVEL": "WARNING",
        "AUTH": "true",  # evaluate IAM policies instead of letting everybody do everything
        # Its Lambda runs handlers with the first python3 on PATH, which must have boto3.
        "PATH": f"{scripts}:{os.environ.get('PATH', '')}",
        **ADMINISTRATOR.environment(),
    }
    part = processes.start("ministack", [str(scripts / "ministack")], paths.logs / "ministack.log", environment)
    processes.wait_ready(part, lambda: _answers(f"{endpoint}/_ministack/health"), READY_SECONDS)
    return part


def client(service: str, endpoint: str, credentials: Credentials = ADMINISTRATOR) -> Any:
    """Return a boto3 client for the emulator; by default the administrator's."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 5}),
    )


def create_all(endpoint: str) -> Resources:
    """Create bucket, queues, table, mail identity, users and forwarder, and let the bucket notify the forwarder."""
    queue_url, queue_arn, dead_letter_url = _create_queues(endpoint)
    table_arn = _create_table(endpoint)
    bucket_arn = _create_bucket(endpoint, BUCKET)
    topic_arn = client("sns", endpoint).create_topic(Name=TOPIC)["TopicArn"]
    values = {
        "queue_arn": queue_arn,
        "table_arn": table_arn,
        "logs_bucket_arn": bucket_arn,
        "reports_bucket_arn": _create_bucket(endpoint, REPORTS_BUCKET),
        "mail_identity_arn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{SENDER}",
        "topic_arn": topic_arn,
    }
    iam = client("iam", endpoint)
    operator, scanner = (_create_user(iam, name, values) for name in ("operator", "scanner"))
    client("sesv2", endpoint).create_email_identity(EmailIdentity=SENDER)
    _install_forwarder(endpoint, queue_url, _create_role(iam, "forwarder", values), bucket_arn)
    return Resources(endpoint, BUCKET, REPORTS_BUCKET, TABLE, topic_arn, queue_url, dead_letter_url, operator, scanner)


def forwarder_zip() -> bytes:
    """Return the Lambda's archive: the same files that Terraform packs, nothing else."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(FORWARDER_SOURCE.rglob("*.py")):
            # A fixed time: the same source gives the same archive.
            out.writestr(zipfile.ZipInfo(str(path.relative_to(FORWARDER_SOURCE))), path.read_bytes())
    return archive.getvalue()


def _create_queues(endpoint: str) -> tuple[str, str, str]:
    sqs = client("sqs", endpoint)
    common = {"FifoQueue": "true", "MessageRetentionPeriod": str(RETENTION_SECONDS)}
    dead_letter_url = sqs.create_queue(QueueName=DEAD_LETTER_QUEUE, Attributes=common)["QueueUrl"]
    redrive = {"deadLetterTargetArn": _queue_arn(sqs, dead_letter_url), "maxReceiveCount": MAX_RECEIVES}
    attributes = {
        **common,
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "VisibilityTimeout": str(VISIBILITY_SECONDS),
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": json.dumps(redrive),
    }
    queue_url = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]
    return queue_url, _queue_arn(sqs, queue_url), dead_letter_url


def _queue_arn(sqs: Any, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def _create_table(endpoint: str) -> str:
    dynamodb = client("dynamodb", endpoint)
    created = dynamodb.create_table(**table_definition(TABLE))
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE)
    ttl = {"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=ttl)
    return str(created["TableDescription"]["TableArn"])


def _create_bucket(endpoint: str, name: str) -> str:
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return f"arn:aws:s3:::{name}"


def _create_user(iam: "IAMClient", name: str, values: dict[str, str]) -> Credentials:
    user = f"logscan-{name}"
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=_policy(name, values))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def _create_role(iam: "IAMClient", name: str, values: dict[str, str]) -> str:
    role = f"logscan-{name}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_policy(name, values))
    return arn


def _policy(name: str, values: dict[str, str]) -> str:
    """Return a policy document with its ARNs, and with what this emulator alone asks for.

    On AWS a batch call needs the permission of the single one (SQS documentation, "API permissions: actions and
    resource reference"); MiniStack asks for an action that AWS does not have.
    """
    document = json.loads(string.Template((POLICIES / f"{name}.json").read_text()).substitute(values))
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        batches = [f"{action}Batch" for action in actions if action.split(":")[0] == "sqs"]
        statement["Action"] = actions + batches
        if actions == ["ses:SendEmail"]:  # it knows no resource that mail is sent by
            statement["Resource"] = "*"
    return json.dumps(document)


def _install_forwarder(endpoint: str, queue_url: str, role_arn: str, bucket_arn: str) -> None:
    functions = client("lambda", endpoint)
    variables = {"QUEUE_URL": queue_url, "AWS_ENDPOINT_URL": endpoint}
    function = functions.create_function(
        FunctionName=FORWARDER,
        Runtime="python3.12",
        Handler="logscan_forwarder.handler.handler",
        Role=role_arn,
        Code={"ZipFile": forwarder_zip()},
        Environment={"Variables": variables},
        Timeout=30,
    )
    functions.add_permission(
        FunctionName=FORWARDER,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=bucket_arn,
        SourceAccount=ACCOUNT,
    )
    rule = {"LambdaFunctionArn": function["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
    client("s3", endpoint).put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
