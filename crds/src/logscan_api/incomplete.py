"""Parts of the input that were not read, or not counted: a scan that has some is never shown as clean."""

from pydantic import ConfigDict, Field

from logscan_api.bounded import KeyText, Name, ReasonWord
from logscan_api.labels import shown_object
from logscan_api.meanings import Explained
from logscan_api.models import Model


class IncompleteReason(Explained):
    """Why a part of the input was not read, or not counted."""

    MATCH_LIMIT = (
        "MatchLimit",
        "The rule took too many steps on a line, or too much time. Its count is too low, the others are exact.",
    )
    MAX_BYTES = "MaxBytes", "Reading stopped at `limits.maxBytes`."
    MAX_DECOMPRESSED_BYTES = "MaxDecompressedBytes", "Reading stopped at `limits.maxDecompressedBytes`."
    MAX_OBJECTS = "MaxObjects", "The prefix has more objects than `maxObjects`; the others were not read."
    MAX_RECORD_BYTES = (
        "MaxRecordBytes",
        "Records longer than `limits.maxRecordBytes` were matched up to there; the row's `cut_records` counts them.",
    )
    OBJECTS_FAILED = (
        "ObjectsFailed",
        "Objects of a list could not be read; `status.objects.failures` names the first ten, and each has a row.",
    )
    COMPRESSION_RATIO = "CompressionRatio", "The content is over 1,000 times as large as the object, as no log is."
    DAMAGED = (
        "Damaged",
        "Compressed or packed input is cut off or corrupt. All else counts, also what follows in an archive.",
    )
    UNREADABLE_ROWS = (
        "UnreadableRows",
        "Rows of the inventory cannot be read, or are of another bucket; `status.listing.unreadable` counts them.",
    )
    UNSUPPORTED_FORMAT = (
        "UnsupportedFormat",
        "A member of an archive, or an object of a prefix, is not a log, is encrypted, or cannot be unpacked.",
    )


class Incomplete(Model):
    """A part of the input that was not read, or not counted."""

    model_config = ConfigDict(extra="ignore")

    reason: ReasonWord = Field(
        description="MatchLimit, MaxBytes, MaxDecompressedBytes, MaxObjects, MaxRecordBytes, ObjectsFailed, "
        "CompressionRatio, Damaged, UnreadableRows, UnsupportedFormat; the set of words is open."
    )
    rule: Name | None = Field(default=None, description="Rule whose count is too low.")
    object: KeyText | None = Field(
        default=None, description="Object that was not read to its end, if there are several."
    )
    message: KeyText | None = Field(
        default=None, description="What was not read or not counted; only in the row, status.message has its beginning."
    )

    def __str__(self) -> str:
        """Return the same for people, such as `MatchLimit (rule slow): ...`."""
        about = ", ".join(filter(None, [self.rule and f"rule {self.rule}", self.object]))
        return f"{self.reason}{f' ({about})' if about else ''}{f': {self.message}' if self.message else ''}"

    def shortened(self) -> "Incomplete":
        """Return the same in the form that a status has room for."""
        shown = None if self.object is None else shown_object(self.object, None)
        return self.model_copy(update={"object": shown, "message": None})
