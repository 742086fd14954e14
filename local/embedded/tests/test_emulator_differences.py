"""What MiniStack does otherwise than AWS: the table in `docs/decisions/0004-embedded-stack.md`, row by row.

Each test asserts the difference, on MiniStack as it is. So it fails once MiniStack behaves like AWS, and says what then
can go.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from logscan_local.stack import aws
from logscan_local.stack.emulator import running
from logscan_local.stack.permissions import Credentials
from logscan_local.testkit.waiting import eventually
from logscan_tools.paths import REPOSITORY

pytestmark = [pytest.mark.emulator, pytest.mark.difference]
PAGE = REPOSITORY / "docs" / "decisions" / "0004-embedded-stack.md"
BUCKET = "differences"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Yield MiniStack's address, with nothing put right."""
    with running("test-differences", repaired=False) as emulator:
        yield emulator.endpoint


def user(endpoint: str, name: str, *statements: dict[str, Any]) -> Credentials:
    """Return the key of a new IAM user with a policy."""
    iam = aws.client("iam", endpoint)
    iam.create_user(UserName=name)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    """Return with what words a call is refused, empty if it is not."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error)
    return ""


def test_a_range_of_a_version_is_the_whole_object(endpoint: str) -> None:
    s3 = aws.client("s3", endpoint)
    aws.create_bucket(endpoint, BUCKET)
    version = s3.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789")["VersionId"]
    answer = s3.get_object(Bucket=BUCKET, Key="k", VersionId=version, Range="bytes=2-4")
    seen = (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read())
    assert seen == (200, b"0123456789"), "logscan_local/repairs.py and emulated.py can go"
    assert "ContentRange" not in answer


def test_an_expired_receipt_handle_is_good(endpoint: str) -> None:
    sqs = aws.client("sqs", endpoint)
    url = sqs.create_queue(QueueName="expired", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), what="it")[0]["ReceiptHandle"]

    def visible() -> bool:
        names = ["ApproximateNumberOfMessages"]
        return bool(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]] == "1")

    eventually(visible, what="the visibility timeout to expire")
    # AWS: MessageNotInflight.
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=30)
    assert not visible(), "the row on receipt handles can go"


def test_a_batch_call_wants_an_action_that_aws_does_not_have(endpoint: str) -> None:
    url = aws.client("sqs", endpoint).create_queue(QueueName="batch")["QueueUrl"]
    sender = user(endpoint, "sender", {"Action": "sqs:SendMessage", "Resource": "*"})
    sqs = aws.client("sqs", endpoint, sender)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    seen = refusal(sqs.send_message_batch, QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "m"}])
    assert "sqs:SendMessageBatch" in seen, "permissions._relaxed need not add the batch actions"


def test_mail_cannot_be_allowed_by_identity_and_sender(endpoint: str) -> None:
    aws.client("sesv2", endpoint).create_email_identity(EmailIdentity=aws.SENDER)
    identity = f"arn:aws:ses:{aws.REGION}:{aws.ACCOUNT}:identity/{aws.SENDER}"
    by_sender = {"StringEquals": {"ses:FromAddress": [aws.SENDER]}}
    allowed = {"Action": ["ses:SendEmail"], "Resource": [identity], "Condition": by_sender}
    seen = refusal(
        aws.client("sesv2", endpoint, user(endpoint, "mailer", allowed)).send_email,
        FromEmailAddress=aws.SENDER,
        Destination={"ToAddresses": ["sre@example.com"]},
        Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}}},
    )
    assert "AccessDenied" in seen, "permissions._relaxed need not widen ses:SendEmail"


def test_dead_letters_cannot_be_moved_back(endpoint: str) -> None:
    sqs = aws.client("sqs", endpoint)
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    seen = refusal(sqs.start_message_move_task, SourceArn=arn)
    assert "InvalidAction" in seen, "a redrive of the dead-letter queue can be tested end to end"


def test_each_difference_is_on_the_page() -> None:
    rows = PAGE.read_text().count("`test_emulator_differences.py::")
    tests = [name for name in globals() if name.startswith("test_") and name != "test_each_difference_is_on_the_page"]
    assert rows == len(tests)
    assert [name for name in tests if f"test_emulator_differences.py::{name}`" not in PAGE.read_text()] == []
