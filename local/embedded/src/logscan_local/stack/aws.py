"""AWS on this machine: MiniStack over HTTP on the loopback interface, with the resources that Terraform makes.

Who may do what is real too: operator, scanner and forwarder each have an IAM user with the policy document that
Terraform attaches to their role (`terraform/modules/documents/policies`), and MiniStack evaluates it.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from logscan_api.table import TTL_ATTRIBUTE, table_definition
from logscan_local.stack import permissions
from logscan_local.stack.permissions import Credentials
from logscan_tools.terraform import archive

REGION = "eu-central-1"
ACCOUNT = "000000000000"
BUCKET = "logs"
REPORTS_BUCKET = "logscan-reports"
INVENTORIES = "inventories/"  # what the keys of S3 Inventory begin with, in the same bucket
TABLE = "logscan-results"
TOPIC = "logscan"
QUEUE = "logscan.fifo"
DEAD_LETTER_QUEUE = "logscan-dlq.fifo"
FAILURE_QUEUE = "logscan-ingest-failures"
UPLOADS_QUEUE = "logscan-uploads"  # standard; only where the emulator runs no Lambda
FORWARDER = "logscan-forwarder"
SENDER = "logscan@example.com"
VISIBILITY_SECONDS = 60
RETENTION_SECONDS = 14 * 24 * 3600
MAX_RECEIVES = 30
FORWARDER_SECONDS = 30


ADMINISTRATOR = Credentials("test", "test")  # MiniStack's root


@dataclass(frozen=True)
class Resources:
    """The resources that `create_all` creates."""

    endpoint: str
    bucket: str
    reports_bucket: str
    table: str
    topic_arn: str
    queue_url: str
    dead_letter_queue_url: str
    failure_queue_url: str
    uploads_queue_url: str | None
    operator: Credentials
    scanner: Credentials

    def to_json(self) -> dict[str, Any]:
        """Return the content for the state file."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Resources":
        """Return the resources that `to_json` described."""
        users = {name: Credentials(**document[name]) for name in ("operator", "scanner")}
        return cls(**{**document, **users})


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


def create_all(endpoint: str, bridged: bool = False, known: Resources | None = None) -> Resources:
    """Create bucket, queues, table, mail identity, users and forwarder, and let the bucket notify the forwarder.

    Existing resources are kept, so this also repairs an emulator that has lost some.

    Args:
        endpoint: The emulator's address.
        bridged: Whether the emulator runs no Lambda: the bucket then notifies a standard queue, from which the bridge
            (`local/kind/bridge.py`) calls the forwarder.
        known: The result of an earlier call, if any: users keep their keys as long as the emulator knows them.
    """
    queues = _create_queues(endpoint)
    table_arn = _create_table(endpoint)
    bucket_arn = create_bucket(endpoint, BUCKET)
    reports_arn = create_bucket(endpoint, REPORTS_BUCKET)
    topic_arn = client("sns", endpoint).create_topic(Name=TOPIC)["TopicArn"]
    values = {
        "queue_arns": [queues.main.arn],
        "watched_queue_arns": [queues.main.arn, queues.dead_letter.arn],
        "table_arns": [table_arn],
        "forwarder_queue_arns": [queues.main.arn, queues.failures.arn],
        "failure_queue_arns": [queues.failures.arn],
        "forwarder_log_arns": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{FORWARDER}:*"],
        "log_bucket_arns": [bucket_arn],
        "log_object_arns": [f"{bucket_arn}/*"],
        "tagged_object_arns": [f"{bucket_arn}/*"],
        "inventory_object_arns": [f"{bucket_arn}/{INVENTORIES}*"],
        "inventory_key_arns": [],
        "report_object_arns": [f"{reports_arn}/*"],
        "mail_identity_arns": [f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{SENDER}"],
        "mail_senders": [SENDER],
        "topic_arns": [topic_arn],
        "event_bus_arns": [f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"],
        "key_arns": [],
        "log_key_arns": [],
        "log_role_arns": [],
    }
    iam = client("iam", endpoint)
    operator = permissions.create_user(iam, "operator", values, known.operator if known else None)
    scanner = permissions.create_user(iam, "scanner", values, known.scanner if known else None)
    _verify_sender(endpoint)
    role_arn = permissions.create_role(iam, "forwarder", values)
    uploads_queue_url = _notify_a_queue(endpoint, bucket_arn) if bridged else None
    if not bridged:
        _install_forwarder(endpoint, queues, role_arn, bucket_arn)
    return Resources(
        endpoint=endpoint,
        bucket=BUCKET,
        reports_bucket=REPORTS_BUCKET,
        table=TABLE,
        topic_arn=topic_arn,
        queue_url=queues.main.url,
        dead_letter_queue_url=queues.dead_letter.url,
        failure_queue_url=queues.failures.url,
        uploads_queue_url=uploads_queue_url,
        operator=operator,
        scanner=scanner,
    )


@dataclass(frozen=True)
class _Queue:
    url: str
    arn: str


@dataclass(frozen=True)
class _Queues:
    main: _Queue
    dead_letter: _Queue
    failures: _Queue


def _create_queues(endpoint: str) -> _Queues:
    sqs = client("sqs", endpoint)

    def create(name: str, **attributes: str) -> _Queue:
        kept = {"MessageRetentionPeriod": str(RETENTION_SECONDS), **attributes}
        try:
            url = sqs.create_queue(QueueName=name, Attributes=kept)["QueueUrl"]
        except sqs.exceptions.QueueNameExists:  # created by an earlier version of this file
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            kept.pop("FifoQueue", None)  # cannot be changed
            sqs.set_queue_attributes(QueueUrl=url, Attributes=kept)
        return _Queue(url, _queue_arn(sqs, url))

    dead_letter = create(DEAD_LETTER_QUEUE, FifoQueue="true")
    main = create(
        QUEUE,
        FifoQueue="true",
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
        ContentBasedDeduplication="false",
        VisibilityTimeout=str(VISIBILITY_SECONDS),
        ReceiveMessageWaitTimeSeconds="20",
        RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_letter.arn, "maxReceiveCount": MAX_RECEIVES}),
    )
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [main.arn]}
    sqs.set_queue_attributes(QueueUrl=dead_letter.url, Attributes={"RedriveAllowPolicy": json.dumps(allowed)})
    failures = create(FAILURE_QUEUE, VisibilityTimeout=str(6 * FORWARDER_SECONDS))
    return _Queues(main, dead_letter, failures)


def _queue_arn(sqs: Any, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def _create_table(endpoint: str) -> str:
    dynamodb = client("dynamodb", endpoint)
    with suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(**table_definition(TABLE))
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE)
    status = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]["TimeToLiveStatus"]
    if status not in ("ENABLED", "ENABLING"):
        ttl = {"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
        dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=ttl)
    return str(dynamodb.describe_table(TableName=TABLE)["Table"]["TableArn"])


def create_bucket(endpoint: str, name: str) -> str:
    """Create a versioned bucket, unless it exists, and return its ARN."""
    s3 = client("s3", endpoint)
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return f"arn:aws:s3:::{name}"


def _verify_sender(endpoint: str) -> None:
    try:
        client("sesv2", endpoint).create_email_identity(EmailIdentity=SENDER)
    except ClientError:  # LocalStack's community image has the first version of the API only
        client("ses", endpoint).verify_email_identity(EmailAddress=SENDER)


def _notify_a_queue(endpoint: str, bucket_arn: str) -> str:
    sqs = client("sqs", endpoint)
    url = str(sqs.create_queue(QueueName=UPLOADS_QUEUE)["QueueUrl"])
    arn = _queue_arn(sqs, url)
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": bucket_arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    rule = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    client("s3", endpoint).put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [rule]}
    )
    return url


def _install_forwarder(endpoint: str, queues: _Queues, role_arn: str, bucket_arn: str) -> None:
    functions = client("lambda", endpoint)
    variables = {
        "QUEUE_URL": queues.main.url,
        "FAILURE_QUEUE_URL": queues.failures.url,
        "AWS_ENDPOINT_URL": endpoint,
    }
    function = functions.create_function(
        FunctionName=FORWARDER,
        Runtime="python3.12",
        Handler="logscan_forwarder.handler.handler",
        Role=role_arn,
        Code={"ZipFile": archive.build()},
        Environment={"Variables": variables},
        Timeout=FORWARDER_SECONDS,
    )
    functions.create_event_source_mapping(
        EventSourceArn=queues.failures.arn,
        FunctionName=FORWARDER,
        Enabled=False,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
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
