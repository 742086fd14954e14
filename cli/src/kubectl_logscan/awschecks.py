"""What `doctor` asks AWS: who asks, the queues, the notification of a bucket, and the table."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.config import Config

from kubectl_logscan.awscalls import asked
from kubectl_logscan.checks import ProblemError, SkippedError
from kubectl_logscan.clusterchecks import skew
from kubectl_logscan.errors import AwsError
from logscan_api.table import INDEXES, KEYS

QUICK = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
OLD_SECONDS = 3600  # a message that waits longer is a problem
AGE_MINUTES = 15  # CloudWatch has a value about every five
CREATED = "s3:ObjectCreated:"

Object = dict[str, Any]


class AwsChecks:
    """The checks, each a method that returns what is well and raises what is not."""

    def __init__(self, queues: list[str], table: str | None) -> None:
        """Ask nothing yet.

        Args:
            queues: URLs of the queues that the operator reads.
            table: The table of results, or None.
        """
        self._queues = queues
        self._table = table

    def identity(self) -> str:
        """Return who AWS says that we are."""
        return f"AWS knows you as {self._whoami()['Arn']}"

    def clock(self) -> str:
        """Return that this machine and AWS have the same time."""
        headers = self._whoami()["ResponseMetadata"]["HTTPHeaders"]
        if "date" not in headers:
            raise SkippedError("the answer has no Date")
        return skew("AWS", parsedate_to_datetime(headers["date"]), datetime.now(UTC))

    def queue(self) -> str:
        """Return that the queues answer, and how much waits for how long."""
        return "; ".join(self._depth(url) for url in self._named_queues())

    def dead_letters(self) -> str:
        """Return that no dead letters wait."""
        for url in self._named_queues():
            policy = self._attributes(url).get("RedrivePolicy")
            if policy is None:
                raise ProblemError(f"{_name(url)} has no dead-letter queue", "Add one: messages that fail are lost.")
            name = policy.partition("deadLetterTargetArn")[2].split('"')[2].rpartition(":")[2]
            sqs = self._client("sqs")
            found = asked(lambda: sqs.get_queue_url(QueueName=name), f"GetQueueUrl of {name}")["QueueUrl"]  # noqa: B023
            waiting = int(self._attributes(found)["ApproximateNumberOfMessages"])
            if waiting:
                raise ProblemError(
                    f"{waiting} messages are in the dead-letter queue {name}",
                    f"`kubectl logscan dlq list --queue {found}` shows them, and `dlq redrive` sends them again.",
                )
        return "no dead letters"

    def notification(self, bucket: str | None) -> str:
        """Return that uploads into a bucket are told to the queue."""
        if not bucket:
            raise SkippedError("name a bucket with --bucket to see whether its uploads reach the queue")
        s3 = self._client("s3")
        about = f"GetBucketNotificationConfiguration of {bucket}"
        told = asked(lambda: s3.get_bucket_notification_configuration(Bucket=bucket), about)
        if "EventBridgeConfiguration" in told:
            return f"{bucket} tells EventBridge of uploads; a rule of it must name the queue or the forwarder"
        ways = receivers(told)
        if not ways:
            raise ProblemError(
                f"{bucket} tells nobody of uploads",
                "Add the bucket to Terraform's log_buckets, which sets its notification.",
            )
        names = {_name(url) for url in self._queues}
        if any(arn.rpartition(":")[2] in names for arn in ways):
            return f"{bucket} tells the queue of uploads"
        functions = [arn for arn in ways if ":function:" in arn]
        reached = [arn for arn in functions if self._sends_to(arn) in names]
        if functions and not reached:
            raise ProblemError(
                f"{bucket} tells {', '.join(functions)}, which sends to another queue",
                "Compare the forwarder's QUEUE_URL with the operator's queueUrl.",
            )
        return f"{bucket} tells {', '.join(reached or ways)} of uploads"

    def table(self) -> str:
        """Return that the table is active, and has the keys and indexes that are read."""
        name = self._table
        if not name:
            raise SkippedError("name the table with --table")
        dynamodb = self._client("dynamodb")
        found = asked(lambda: dynamodb.describe_table(TableName=name), f"DescribeTable of {name}")["Table"]
        return shape(found)

    def _named_queues(self) -> list[str]:
        if not self._queues:
            raise SkippedError("name the queue with --queue")
        return self._queues

    def _depth(self, url: str) -> str:
        facts = self._attributes(url)
        waiting, taken = int(facts["ApproximateNumberOfMessages"]), int(facts["ApproximateNumberOfMessagesNotVisible"])
        age = self._age(_name(url))
        text = f"{_name(url)}: {waiting} messages wait, {taken} are being read"
        if age is None:
            return f"{text}, the age of the oldest is not known"
        if age > OLD_SECONDS:
            raise ProblemError(f"{text}, the oldest for {age} seconds", "See docs/alerts.md, LogscanUploadsWait.")
        return f"{text}, the oldest for {age} seconds"

    def _age(self, name: str) -> int | None:
        """Return the age of the oldest message in seconds, which CloudWatch has; None if it does not answer."""
        now = datetime.now(UTC)
        wanted = {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateAgeOfOldestMessage",
            "Dimensions": [{"Name": "QueueName", "Value": name}],
            "StartTime": now - timedelta(minutes=AGE_MINUTES),
            "EndTime": now,
            "Period": 60,
            "Statistics": ["Maximum"],
        }
        try:
            metrics = self._client("cloudwatch")
            points = asked(lambda: metrics.get_metric_statistics(**wanted), "GetMetricStatistics")["Datapoints"]
        except AwsError:
            return None
        newest = max(points, key=lambda point: point["Timestamp"], default=None)
        return int(newest["Maximum"]) if newest else None

    def _attributes(self, url: str) -> Object:
        sqs = self._client("sqs")
        what = f"GetQueueAttributes of {url}"
        found = asked(lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]), what)
        attributes: Object = found["Attributes"]
        return attributes

    def _sends_to(self, function: str) -> str:
        """Return the name of the queue that a forwarder sends to; empty if it is not told."""
        functions = self._client("lambda")
        what = f"GetFunctionConfiguration of {function}"
        found = asked(lambda: functions.get_function_configuration(FunctionName=function), what)
        return _name(((found.get("Environment") or {}).get("Variables") or {}).get("QUEUE_URL", ""))

    def _whoami(self) -> Object:
        sts = self._client("sts")
        found: Object = asked(lambda: sts.get_caller_identity(), "GetCallerIdentity")
        return found

    def _client(self, service: str) -> Any:
        # A session of its own: that of boto3 is not for several threads.
        return asked(lambda: boto3.session.Session().client(service, config=QUICK), f"asks {service}")  # type: ignore[call-overload]


def receivers(told: Object) -> list[str]:
    """Return the ARNs of what a bucket tells of new objects."""
    kinds = {
        "QueueConfigurations": "QueueArn",
        "LambdaFunctionConfigurations": "LambdaFunctionArn",
        "TopicConfigurations": "TopicArn",
    }
    return [
        str(rule[arn])
        for kind, arn in kinds.items()
        for rule in told.get(kind, [])
        if any(event.startswith(CREATED) for event in rule["Events"])
    ]


def shape(table: Object) -> str:
    """Return that a table, as DescribeTable shows it, is active and has the keys and indexes that are read."""
    name, state = table["TableName"], table.get("TableStatus", "ACTIVE")
    if state not in ("ACTIVE", "UPDATING"):
        raise ProblemError(f"the table {name} is {state}", "Wait, or create it again with Terraform.")
    indexes = table.get("GlobalSecondaryIndexes", [])
    keys = {"": KEYS, **INDEXES}
    there = {"": table["KeySchema"], **{index["IndexName"]: index["KeySchema"] for index in indexes}}
    wrong = [
        f"index {index}" if index else "key"
        for index, wanted in keys.items()
        if tuple(part["AttributeName"] for part in there.get(index, [])) != wanted
    ]
    wrong += [
        f"index {index['IndexName']} is {index['IndexStatus']}"
        for index in indexes
        if index.get("IndexStatus", "ACTIVE") not in ("ACTIVE", "UPDATING")
    ]
    if wrong:
        message = f"the table {name} is not as this version needs it: {', '.join(wrong)}"
        raise ProblemError(message, "Apply the Terraform of the operator's release.")
    return f"the table {name} is active, with {len(INDEXES)} indexes"


def _name(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
