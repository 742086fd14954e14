"""Run by the Python of the scanner's image: AWS's services, every format and the reports work with its files."""

import bz2
import gzip
import lzma
from pathlib import Path

from common import error_code, expect, run, with_keys, without_keys

from logscan_api.packs import load_pack, pack_names
from logscan_scanner.aws.clients import client, session
from logscan_scanner.localfile import scan_file
from logscan_scanner.reporting import templating
from logscan_scanner.scanning.rules import compile_for_scan

RULES = 'inline: [{name: error, pattern: "ERROR(?= bad)"}]'
TEXT = b"INFO fine\nERROR bad\n"


def aws(_folder: Path, address: str) -> None:
    """The scanner's own clients, and how they report errors."""
    with_keys(address)
    s3, dynamodb, events, ses, sns = (client(name) for name in ("s3", "dynamodb", "events", "sesv2", "sns"))
    expect(error_code(lambda: s3.get_object(Bucket="logs", Key="x")), "InvalidObjectState", "S3's error")
    key = {"pk": {"S": "p"}}
    expect(
        error_code(lambda: dynamodb.get_item(TableName="t", Key=key)), "ResourceNotFoundException", "DynamoDB's error"
    )
    expect(error_code(lambda: ses.send_email(Content={})), "MessageRejected", "SES's error")
    expect(error_code(lambda: events.put_events(Entries=[{}])), "InternalException", "EventBridge's error")
    expect(error_code(lambda: sns.publish(TopicArn="arn:aws:sns:x:1:t", Message="m")), "NotFound", "SNS's error")
    session.cache_clear()
    without_keys()


def formats(folder: Path, _address: str) -> None:
    """A file of each compression is read, and a rule that needs confirmation matches in it."""
    (folder / "rules.yaml").write_text(RULES)
    stored = {"none": TEXT, "gzip": gzip.compress(TEXT), "bzip2": bz2.compress(TEXT), "xz": lzma.compress(TEXT)}
    for name, content in stored.items():
        (folder / name).write_bytes(content)
        found = scan_file(str(folder / name), str(folder / "rules.yaml"))
        expect((found["lines"], found["matchedLines"]), (2, 1), f"lines of a log stored as {name}")


def rules(_folder: Path, _address: str) -> None:
    """All packs compile, and the engine passes its own checks on this machine."""
    compile_for_scan([packed.rule for name in pack_names() for packed in load_pack(name).rules])


def reports(_folder: Path, _address: str) -> None:
    """The templates of pages and mails are there, and so is what fills them."""
    for name in ("page.html.j2", "mail.html.j2", "mail.txt.j2"):
        expect(templating.template(name).name, name, "a template")
    expect(templating.source("page.js").startswith('"use strict"'), True, "the page's script")


if __name__ == "__main__":
    run([aws, formats, rules, reports])
