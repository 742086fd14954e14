"""What a record of a log is."""

from pydantic import ConfigDict, Field

from logscan_api.meanings import Explained
from logscan_api.models import Model
from logscan_api.rules import Pattern
from logscan_api.schema import cel


class Framing(Explained):
    """How a log is divided into records."""

    AUTO = "Auto", "Detected from the first 64 KiB of the log, as in the table below. The default."
    LINES = "Lines", "A line, whether or not it is JSON."
    JSON = "Json", "A JSON document, or an element of an array of them."
    CLOUDWATCH = (
        "CloudWatch",
        "A message of the `logEvents` of a document, as a CloudWatch Logs subscription sends it.",
    )
    MULTILINE = "Multiline", "A line that matches `start`, and the lines after it up to the next line that matches."


class Records(Model):
    """How a log is divided into records, and what of them is matched."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "(has(self.framing) && self.framing == 'Multiline') == has(self.start)",
                    "set start, the expression that the first line of a record matches, with framing Multiline and "
                    "only then",
                ),
            ]
        }
    )

    framing: Framing = Field(
        default=Framing.AUTO,
        description="What a record is: Auto (default; found by content), Lines, Json, CloudWatch or Multiline.",
    )
    start: Pattern | None = Field(
        default=None, description="With Multiline: expression in PCRE syntax that the first line of a record matches."
    )
    message_field: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="Name of a field of JSON records, such as log: its text is matched instead of the record.",
    )

    def for_engine(self) -> dict[str, str | None]:
        """Return the arguments of the engine's `Scan`."""
        return {"framing": str(self.framing), "start": self.start, "message_field": self.message_field}
