"""What the operator hands to a Job, in the environment variable `LOGSCAN_REQUEST`.

The variable holds JSON, or `gzip:` and gzipped JSON in base64 where that is long. Linux refuses to start a process with
a variable above 128 KiB (`MAX_ARG_STRLEN` in include/uapi/linux/binfmts.h), so a longer text goes on in
`LOGSCAN_REQUEST_2` and so on. The CRDs bound what a spec may hold so that even what cannot be compressed fits
(`logscan_api.sizes`).
"""

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError

from logscan_api.bounded import ReasonWord
from logscan_api.destinations import Destination
from logscan_api.errors import MalformedRequestError, RequestTooLargeError
from logscan_api.explanations import explain
from logscan_api.framing import Records
from logscan_api.identity import partition_key, sort_key
from logscan_api.logscans import Limits
from logscan_api.models import Model
from logscan_api.notify import Notify
from logscan_api.roles import AssumedRole
from logscan_api.rules import Rule
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef

REQUEST_VARIABLE = "LOGSCAN_REQUEST"
MAX_VARIABLE_BYTES = 128 * 1024  # name, equals sign, value and the closing NUL
MOST_VARIABLES = 8  # 1 MiB: Job and pod hold them, and etcd stores no object above 1.5 MiB
PLAIN_BYTES = 16 * 1024  # up to this a person who looks at the Job can read it
MAX_JSON_BYTES = 4 << 20  # several times the longest request; what is unpacked may be hostile
GZIPPED = "gzip:"

DEFAULT_LIMITS = Limits(
    max_bytes=50 << 30,
    max_decompressed_bytes=500 << 30,
    max_record_bytes=1 << 20,
    max_samples_per_rule=3,
    max_sample_bytes=256,
    context_lines=0,
)


class ResolvedLimits(Model):
    """Limits with every value set; see `Limits` for the units."""

    max_bytes: int
    max_decompressed_bytes: int
    max_record_bytes: int
    max_samples_per_rule: int
    max_sample_bytes: int
    context_lines: int


def resolve_limits(limits: Limits | None = None) -> ResolvedLimits:
    """Return limits with the built-in default for those that are absent."""
    return ResolvedLimits.model_validate((limits or Limits()).over(DEFAULT_LIMITS).model_dump())


def outcome_hash(rules: list[Rule], limits: ResolvedLimits, records: Records) -> str:
    """Return 16 hexadecimal digits that name all that changes what a scan of the same bytes finds.

    Args:
        rules: The resolved rules, in any order. A changed pattern or severity gives another hash.
        limits: The resolved limits.
        records: How the log is divided.
    """
    facts: dict[str, Any] = {"rules": sorted((r.wire() for r in rules), key=lambda r: str(r["name"]))}
    facts |= {"limits": limits.wire(), "records": records.wire()}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


class ScanIdentity(Model):
    """Which LogScan a Job works for."""

    namespace: str
    name: str
    uid: str
    attempt: int = Field(ge=1)


class Report(Model):
    """Where the findings go."""

    bucket: str
    prefix: str = ""


class ObjectRows(Model):
    """How the rows of several objects are named, and what signs them.

    Each object has the row that a scan of it alone would have, so that whichever comes first serves all.
    """

    outcome: str = Field(description="Names rules and limits; see `outcome_hash`.")
    own: bool = Field(default=False, description="Whether the scan was made by hand.")
    prior_attempts: int | None = Field(default=None, description="Jobs of the runs before; absent for the first run.")
    tokens: list[Annotated[list[str], Field(min_length=1, max_length=2)]] = Field(
        description="Tokens of the row of each object, in the order of the objects, as in `ScanRequest.tokens`."
    )

    def ref(self, table: str, scan: ScanIdentity, source: S3Source) -> ResultRef:
        """Return where the row of one of the objects is.

        Args:
            table: The table.
            scan: The LogScan.
            source: The object, as in `S3Source.each`.
        """
        sort = sort_key(source, scan.uid, self.outcome, self.own, self.prior_attempts)
        return ResultRef(table=table, pk=partition_key(scan.namespace, source), sk=sort)


class Request(Model):
    """What a Job of the scanner's image is asked to do; it reads no Kubernetes API.

    The fields here are what notifications need, whether or not the scan has a result.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    scan: ScanIdentity
    source: S3Source
    result: ResultRef
    policy: str | None = Field(default=None, description="The policy that applies, whose notifications are grouped.")
    timeout_seconds: int | None = Field(default=None, ge=1, description="Run time after which the Job is ended.")
    notify: Notify | None = None
    sender: str | None = Field(default=None, description="Address that mail is from; without it none is sent.")
    webhook_internal: list[Destination] | None = Field(
        default=None, description="Networks and hosts beyond the public internet that the webhook may go to."
    )
    webhook_hosts: list[str] | None = Field(
        default=None,
        description="The only hosts that it may post to, `*` at the start of one for any beginning; absent means all.",
    )

    def to_variable(self) -> str:
        """Return the text that `split` divides among the variables; equal requests give equal texts."""
        document = self.model_dump_json(by_alias=True, exclude_none=True).encode()
        if len(document) <= PLAIN_BYTES:
            return document.decode()
        return GZIPPED + base64.b64encode(gzip.compress(document, mtime=0)).decode()

    @classmethod
    def from_variable(cls, text: str) -> Self:
        """Return the request in a text that `to_variable` made.

        Raises:
            MalformedRequestError: It cannot be read; the message names the field.
        """
        document = _unpacked(text.removeprefix(GZIPPED)) if text.startswith(GZIPPED) else text
        try:
            return cls.model_validate_json(document)
        except ValidationError as error:
            raise MalformedRequestError(explain(error, cls)) from error


class ScanRequest(Request):
    """To scan objects, and to notify of what is found."""

    role: AssumedRole | None = Field(
        default=None, description="Reads the source; absent means the pod's own role, which does all else."
    )
    rules: list[Rule] = Field(min_length=1)
    limits: ResolvedLimits
    records: Records = Field(default=Records(), description="How the log is divided.")
    tokens: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        max_length=2,
        description="Tokens of the row: the first signs it, and a row that any of them signed is believed.",
    )
    rows: ObjectRows | None = Field(default=None, description="The rows of several objects; `result` is their sum.")
    report: Report | None = None
    ttl_days: int = Field(default=90, ge=1, description="Days after which DynamoDB may drop the row.")


class NoticeRequest(Request):
    """To notify of a scan that failed and whose own Job could not do so."""

    reason: ReasonWord = Field(description="Why it failed, in one word, as in status.reason.")
    message: str = Field(description="Why it failed, in a sentence.")


def split(text: str) -> dict[str, str]:
    """Return the variables of a Job that hold a request, by name.

    Raises:
        RequestTooLargeError: It needs more variables than there may be.
    """
    room = MAX_VARIABLE_BYTES - len(f"{_variable(MOST_VARIABLES)}=\0")
    parts = [text[start : start + room] for start in range(0, len(text), room)]
    if len(parts) > MOST_VARIABLES:
        raise RequestTooLargeError(
            f"rules: the rules, objects and settings of the scan take {len(text):,} bytes in the Job, which may have "
            f"{room * MOST_VARIABLES:,}: use fewer or shorter rules, or fewer objects"
        )
    return {_variable(number): part for number, part in enumerate(parts, 1)}


def joined(variables: Mapping[str, str]) -> str | None:
    """Return the text that `split` divided, from an environment, or None if the variable is not set."""
    parts = [variables.get(_variable(number)) for number in range(1, MOST_VARIABLES + 1)]
    return None if parts[0] is None else "".join(part for part in parts if part is not None)


def _variable(number: int) -> str:
    return REQUEST_VARIABLE if number == 1 else f"{REQUEST_VARIABLE}_{number}"


def _unpacked(text: str) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        document = stream.decompress(base64.b64decode(text, validate=True), MAX_JSON_BYTES)
    except (ValueError, zlib.error) as error:
        raise MalformedRequestError(f"the document: no gzip in base64: {error}") from error
    if not stream.eof:
        raise MalformedRequestError(f"the document: cut off, or longer than {MAX_JSON_BYTES:,} bytes")
    return document
