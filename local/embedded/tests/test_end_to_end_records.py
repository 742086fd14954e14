"""Objects whose records are not lines, through the whole pipeline: their counts are those of grep on the lines."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from clouds import Cloud, text

from logscan_api.packs import load_pack, pack_names
from logscan_local.stack import aws, grep
from logscan_local.testkit.clusters import Cluster

pytestmark = pytest.mark.stack

TIME = "2026-11-24T08:00:00.5Z"
EVENT = {"eventVersion": "1.08", "eventTime": TIME, "eventName": "GetObject", "awsRegion": "eu-central-1"}


@pytest.fixture(scope="module")
def cloud(full_stack: Cluster) -> Cloud:
    return Cloud(full_stack)


def docker(lines: list[str]) -> str:
    entries = ({"log": f"{line}\n", "stream": "stdout", "time": TIME} for line in lines)
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def cloudwatch(lines: list[str]) -> str:
    events = [{"id": "1", "timestamp": 1795507200500, "message": line} for line in lines]
    return json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": events})


FORMS: dict[str, Callable[[list[str]], bytes]] = {
    "utf-16": lambda lines: ("\ufeff" + "\r\n".join(lines)).encode("utf-16-le"),
    "docker": lambda lines: docker(lines).encode(),
    "cri": lambda lines: "".join(f"{TIME} stderr F {line}\n" for line in lines).encode(),
    "cloudwatch": lambda lines: cloudwatch(lines).encode(),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_lines_count_the_same_whatever_they_are_wrapped_in(cloud: Cloud, tmp_path: Path, form: str) -> None:
    body = text(500, 4)
    (tmp_path / "log").write_bytes(body)
    scan = cloud.ended(cloud.upload(f"e2e/records/{form}", FORMS[form](body.decode().splitlines())))
    assert (scan["status"]["phase"], scan["status"]["summary"]["lines"]) == ("Succeeded", 500), scan["status"]
    (row,) = cloud.rows(f"e2e/records/{form}")
    counted = {rule: int(lines["N"]) for rule, lines in row["by_rule"]["M"].items()}
    shipped = {packed.rule.name: packed.rule for name in pack_names() for packed in load_pack(name).rules}
    assert counted == {name: grep.count(shipped[name], tmp_path / "log") for name in counted}
    assert sum(counted.values()) > 100


@pytest.mark.parametrize("form", ["cloudtrail", "firehose"])
def test_events_count_each(cloud: Cloud, form: str) -> None:
    events = [EVENT | ({"errorCode": "AccessDenied"} if n % 4 == 0 else {}) for n in range(400)]
    texts = [json.dumps(event, separators=(",", ":")) for event in events]
    body = f'{{"Records":[{",".join(texts)}]}}' if form == "cloudtrail" else "".join(texts)
    cloud.s3.put_object(Bucket=aws.BUCKET, Key=f"e2e/records/{form}", Body=body.encode())
    scan = cloud.ended(cloud.apply(f"records-{form}", f"e2e/records/{form}", rules={"packs": ["aws-cloudtrail"]}))
    summary = scan["status"]["summary"]
    assert (summary["lines"], summary["matchedLines"]) == (400, sum("AccessDenied" in text for text in texts))


def test_a_logscan_says_where_a_record_begins(cloud: Cloud) -> None:
    lines = "".join(f"2026-11-24 08:00:{n:02} ERROR {n}\n\tat a.b\nCaused by: c\n" for n in range(60))
    cloud.upload("e2e/records/multiline", lines.encode())
    rules = {"inline": [{"name": "caused", "pattern": r"ERROR \d+ .*Caused by"}]}
    records = {"framing": "Multiline", "start": r"^\d{4}-"}
    name = cloud.apply("records-multiline", "e2e/records/multiline", rules=rules, records=records)
    summary = cloud.ended(name)["status"]["summary"]
    assert (summary["lines"], summary["matchedLines"]) == (60, 60)
