"""Reads S3's answers to ListObjectsV2, of which a large bucket gives many.

Botocore makes a dictionary of each entry and a date of each text, a field at a time: about 30 ms of a processor for a
thousand keys, in which the event loop waits for its turn again and again. This takes a fifth of that.
"""

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from logscan_operator.listings import Listed

EMPTY = b"<ListBucketResult/>"
FOUND = "LogscanAnswer"


class Answer(NamedTuple):
    """The entries of an answer, and whether more follow."""

    entries: list[Listed]
    more: bool


def read(body: bytes) -> Answer:
    """Return what is in an answer.

    Raises:
        ValueError: It is not one of S3's.
    """
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - from the endpoint of S3; expat bounds entities
    except ElementTree.ParseError as error:
        raise ValueError(f"S3's answer is no XML: {error}") from error
    found: list[Listed] = []
    more, encoded = False, False
    for child in root:
        match _name(child.tag):
            case "Contents":
                found.append(_entry(child))
            case "IsTruncated":
                more = child.text == "true"
            case "EncodingType":
                encoded = child.text == "url"
    if encoded:
        found = [entry._replace(key=unquote_plus(entry.key)) for entry in found]
    return Answer(found, more)


def take_over(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Read an answer in botocore's place, which finds nothing in it then (its event `before-parse`)."""
    if response_dict["status_code"] == 200:
        customized_response_dict[FOUND] = read(response_dict["body"])
        response_dict["body"] = EMPTY


def _entry(contents: ElementTree.Element) -> Listed:
    fields = {_name(field.tag): field.text or "" for field in contents}
    try:
        return Listed(fields["Key"], int(fields["Size"]), datetime.fromisoformat(fields["LastModified"]))
    except KeyError as error:
        raise ValueError(f"an entry of S3's answer has no {error}") from error


def _name(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]
