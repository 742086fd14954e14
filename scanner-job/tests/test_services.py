"""What others made judges what is sent: Microsoft's parser of adaptive cards, and a real Alertmanager."""

import json
import os
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recipients import HOSTILE, LONG, channel, message, request

from logscan_api.exitcodes import Reason
from logscan_api.notify import ChannelType
from logscan_local.stack.ports import free_ports
from logscan_local.testkit.waiting import eventually
from logscan_scanner.reporting import channels, messages, teams

pytestmark = pytest.mark.tools
PACKAGE = "adaptivecards@3.0.6"
CHECK = """
const { AdaptiveCard, SerializationContext, Versions } = require(process.argv[1]);
const context = new SerializationContext(Versions.v1_5);
const card = new AdaptiveCard();
card.parse(JSON.parse(require("fs").readFileSync(0, "utf8")), context);
const said = Array.from({ length: context.eventCount }, (_, number) => context.getEventAt(number).message);
const problems = card.validateProperties().validationEvents.map((event) => event.message);
console.log(JSON.stringify({ said: [...said, ...problems], kept: card.toJSON(context) }));
"""


def needed(program: str, advice: str) -> str:
    """Return where a program is; without it the test is skipped, or fails in CI."""
    found = shutil.which(program)
    missing = f"{program} is not installed: {advice}"
    if found is None and os.environ.get("CI"):
        pytest.fail(missing)
    if found is None:
        pytest.skip(missing)
    return found


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Yield Microsoft's library of adaptive cards, which npm fetches."""
    needed("node", "cards are not checked (Debian: apt-get install nodejs npm)")
    folder, npm = tmp_path_factory.mktemp("cards"), needed("npm", "cards are not checked")
    subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package" / "dist" / "adaptivecards.js"


def parsed(library: Path, card: dict[str, Any]) -> dict[str, Any]:
    """Return what the library says of a card, and what it understood."""
    command = ["node", "-e", CHECK, str(library)]
    done = subprocess.run(command, input=json.dumps(card), capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def texts(card: dict[str, Any]) -> list[str]:
    return [run["text"] for element in card["body"] for run in element["inlines"]]


@pytest.mark.parametrize("text", [HOSTILE, LONG, ""])
def test_microsofts_parser_understands_all_of_a_card(library: Path, text: str) -> None:
    failed = messages.of_failure(request(), Reason.ACCESS_DENIED, text)
    for said in (message(text), failed):
        card = teams.body(said)["attachments"][0]["content"]
        found = parsed(library, card)
        assert found["said"] == []
        assert texts(found["kept"]) == texts(card)


def test_microsofts_parser_finds_what_is_wrong(library: Path) -> None:
    run = {"type": "TextRun", "text": "x", "size": "huge"}
    card = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "RichTextBlock", "inlines": [run]}]}
    assert parsed(library, card)["said"] == ['Invalid value "huge" for property "size".']


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of an Alertmanager."""
    program = needed(
        "prometheus-alertmanager", "alerts are not tried (Debian: apt-get install prometheus-alertmanager)"
    )
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "alertmanager.yaml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    (port,) = free_ports(1)
    command = [
        program,
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: process.poll() is not None or ready(url), 60, "Alertmanager to be ready")
        yield url
        process.terminate()


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def alerts(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def test_a_real_alertmanager_takes_alerts_and_merges_what_is_sent_twice(alertmanager: str) -> None:
    outlet = channels.Outlet("channels/am", channel(ChannelType.ALERTMANAGER, "am"), alertmanager)
    failed = messages.of_failure(request(), Reason.ACCESS_DENIED, HOSTILE)
    for said in (message(), message(LONG), failed, failed):
        channels.send(outlet, said)
    eventually(lambda: len(alerts(alertmanager)) >= 2, 30, "the alerts to be there")
    found = {alert["labels"]["alertname"]: alert for alert in alerts(alertmanager)}
    assert len(alerts(alertmanager)) == 2, "a scan has one alert of each kind, however often it is sent"
    assert found["LogScanMatched"]["labels"]["severity"] == "critical"
    assert found["LogScanFailed"]["labels"]["severity"] == "error"
    assert found["LogScanFailed"]["annotations"]["why"].startswith("<!channel>")
