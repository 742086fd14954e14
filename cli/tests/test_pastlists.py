"""Lists of scans from the table, after their LogScans are gone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from places import KEPT_UNTIL, Place

from logscan_api import table
from logscan_api.failedrows import FailedRow
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef

pytestmark = pytest.mark.controlplane


def past(place: Place, *arguments: str) -> list[dict[str, Any]]:
    """Return the rows that a list of the last two days has."""
    table_name = place.state.resources.table
    done = place.logscan("list", "--since", "2d", "--table", table_name, "-o", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_scans_of_the_last_days_are_listed_after_their_logscans_are_gone(place: Place) -> None:
    now, clean = datetime.now(UTC), {Severity.ERROR: 0, Severity.CRITICAL: 0}
    found: dict[str, tuple[datetime, dict[str, Any]]] = {
        "critical": (now - timedelta(hours=1), {"by_severity": {Severity.CRITICAL: 1}}),
        "error": (now - timedelta(hours=25), {"bucket": "others"}),
        "warning": (now - timedelta(hours=2), {"by_severity": {Severity.WARNING: 1}}),
        "clean": (now, {"by_severity": clean}),
        "old": (now - timedelta(hours=49), {}),
    }
    for key, (ended, facts) in found.items():
        place.row(f"{place.kubectl.namespace}#O#logs#{key}", finished_at=ended, key=key, expires_at=KEPT_UNTIL, **facts)
    place.row("elsewhere#O#logs#e", finished_at=now, key="elsewhere", expires_at=KEPT_UNTIL)
    keys = [row["key"] for row in past(place)]
    assert keys == ["clean", "critical", "warning", "error"]
    for severity, expected in {"warning": keys[1:], "error": ["critical", "error"], "critical": ["critical"]}.items():
        assert [row["key"] for row in past(place, "--severity", severity)] == expected
    assert [row["key"] for row in past(place, "--bucket", "others")] == ["error"]
    assert [row["key"] for row in past(place, "--bucket", "logs", "--severity", "error")] == ["critical"]
    assert "elsewhere" in {row["key"] for row in past(place, "--all-namespaces")}


def test_an_object_that_failed_is_among_the_scans_of_the_last_days(place: Place) -> None:
    row = FailedRow(
        ref=ResultRef(table=place.state.resources.table, pk=f"{place.kubectl.namespace}#O#logs#f", sk="S#f"),
        finished_at=datetime.now(UTC),
        reason="AccessDenied",
        message="denied",
        bucket="logs",
        key="f",
        scan="f",
        scan_uid="uid-f",
        job_uid="job-f-1",
        attempt=1,
        scanner_version="0",
        expires_at=KEPT_UNTIL,
    )
    place.put(table.put_result(row.ref, row.to_item(), "token", 0))
    (failed,) = [row for row in past(place) if row["status"] == "failed"]
    assert failed["pk"] == row.ref.pk


@pytest.mark.parametrize(
    "arguments", [["--since", "yesterday"], ["--since", "9999d"], ["--since", "1h", "--phase", "x"]]
)
def test_a_list_of_the_past_that_cannot_be_had(place: Place, arguments: list[str]) -> None:
    done = place.logscan("list", *arguments)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "--since" in line) == (2, True)
