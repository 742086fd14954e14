"""Tags of objects in S3, of which one is ours."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from logscan_api.exitcodes import ExitCode
from logscan_scanner.aws.clients import translate
from logscan_scanner.errors import ScanError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_TAGS = 10  # of one object (S3 user guide, "Categorizing your objects using tags")


def put(s3: "S3Client", where: dict[str, str], name: str, value: str, role: str) -> None:
    """Tag an object, and keep the tags that others have put there.

    S3 replaces all tags of an object at once and knows no condition for it: a tag that somebody else puts between the
    two calls is lost.

    Args:
        s3: The client.
        where: The arguments that name the object.
        name: The tag.
        value: Its value.
        role: In which role it is done, for the message.

    Raises:
        ScanError: It was not tagged.
    """
    what = f"tag s3://{where['Bucket']}/{where['Key']}"
    try:
        found = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(**where)["TagSet"]}  # type: ignore[arg-type]
        if found.get(name) == value:
            return
        found[name] = value
        if len(found) > MOST_TAGS:
            raise ScanError(f"cannot {what}: it has {MOST_TAGS} tags, as many as S3 allows", ExitCode.BAD_REQUEST)
        tags = [{"Key": key, "Value": text} for key, text in found.items()]
        s3.put_object_tagging(**where, Tagging={"TagSet": tags})  # type: ignore[arg-type,typeddict-item]
    except (BotoCoreError, ClientError) as error:
        raise translate(error, what, role=role) from error
