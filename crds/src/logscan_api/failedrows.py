"""The row of one of several objects that could not be scanned.

It says why, and counts as absent for every scan: one that reads the object later replaces it.
"""

from typing import Literal

from logscan_api import attributes
from logscan_api.attributes import Item
from logscan_api.models import Model
from logscan_api.results import Moment, by_day
from logscan_api.statuses import ResultRef


class FailedRow(Model):
    """Which object it was, and why it could not be scanned."""

    ref: ResultRef
    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    status: Literal["failed"] = "failed"
    reason: str
    message: str
    finished_at: Moment
    scan: str
    scan_uid: str
    job_uid: str
    attempt: int
    scanner_version: str
    expires_at: int

    def to_item(self) -> Item:
        """Return the row."""
        row = self.model_dump(mode="json", exclude={"ref"}, exclude_none=True)
        row |= {"pk": self.ref.pk, "sk": self.ref.sk, "schema": 1, "partial": True, "notified": {}}
        return attributes.to_item(row | by_day(self.ref, self.bucket, self.finished_at))
