"""The operator's settings, from environment variables that start with `LOGSCAN_`. Built once, before anything runs."""

import json
import sys
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from logscan_api.destinations import DESTINATION_BYTES, destinations
from logscan_api.explanations import Path, dotted, problems
from logscan_api.logscans import MAX_TTL_SECONDS, JobTemplate
from logscan_api.quantities import Amount, Quantity
from logscan_operator.starting import HTTP_PORT

PREFIX = "LOGSCAN_"


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"must be JSON (line {error.lineno}, column {error.colno})") from None


def _destinations(value: str) -> str:
    return ",".join(destinations(value))


class Settings(BaseSettings):
    """Every setting with its unit, default and reason."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    namespace: str = Field(
        min_length=1, description="The operator's namespace: LogScans for messages and its Lease are made here."
    )
    watch_namespaces: str = Field(
        default="", description="Further namespaces whose LogScans are run, separated by commas."
    )
    default_policy_packs: str = Field(
        default="",
        description="Rule packs of the LogScanPolicy `default`, separated by commas: the operator creates it, "
        "and creates it again when it is deleted. If empty, the operator creates no policy.",
    )
    queue_url: str = Field(
        min_length=1, description="URLs of the SQS queues with object events, FIFO or standard, separated by commas."
    )
    receivers: int = Field(default=1, ge=1, le=16, description="Receivers for each queue.")
    table: str = Field(min_length=3, description="DynamoDB table with the results.")
    scanner_image: str = Field(min_length=1, description="Image of the scanner.")
    scanner_service_account: str = Field(
        default="logscan-scanner", description="Service account of scan pods, which carries their AWS role."
    )
    scanner_env_secret: str | None = Field(
        default=None,
        description="Secret whose keys become environment variables of scan pods; for AWS keys outside of EKS.",
    )
    scanner_image_pull_policy: str = Field(
        default="IfNotPresent", pattern="^(Always|IfNotPresent|Never)$", description="imagePullPolicy of scan pods."
    )
    scanner_cpu_request: Amount = Field(default=Quantity("250m"), description="CPU that a scan pod requests.")
    scanner_memory_request: Amount = Field(default=Quantity("128Mi"), description="Memory that a scan pod requests.")
    scanner_memory_limit: Amount = Field(default=Quantity("256Mi"), description="Memory at which a scan pod is killed.")
    scanner_job: Annotated[JobTemplate, NoDecode, BeforeValidator(_parsed)] = Field(
        default_factory=JobTemplate,
        description="Job template below those of policies and scans, as JSON: resources, nodeSelector, tolerations, "
        "affinity, priorityClassName, labels.",
    )
    max_concurrent: int = Field(default=10, ge=1, le=10000, description="Jobs that run at the same time at the most.")
    max_concurrent_per_namespace: int | None = Field(
        default=None, ge=1, description="The same for the Jobs of one namespace; unset means no limit of its own."
    )
    aging_seconds: float = Field(
        default=60,
        gt=0,
        description="A waiting scan gains one point of priority each time this passes, so that none waits forever.",
    )
    supersede: bool = Field(
        default=True, description="Give up an unfinished scan of an object once a newer version of it is to be scanned."
    )
    max_unfinished: int = Field(
        default=1000,
        ge=1,
        description="Unfinished LogScans at which the intake stops receiving, so that a backlog waits in SQS.",
    )
    receive_wait_seconds: int = Field(default=20, ge=0, le=20, description="Long poll of SQS.")
    visibility_seconds: int = Field(
        default=60,
        ge=10,
        le=43200,
        description="How long a message in hand is hidden; renewed at a third of it.",
    )
    default_attempts: int = Field(default=3, ge=1, le=10, description="Jobs per scan, where nothing else is set.")
    default_timeout_seconds: int = Field(default=3600, ge=10, description="Run time of a Job, likewise.")
    retry_first_seconds: float = Field(default=10, ge=0, description="Delay before the second attempt; then doubled.")
    retry_most_seconds: float = Field(default=600, ge=0, description="Longest delay between attempts.")
    queued_after_seconds: float = Field(
        default=60,
        ge=0,
        description="How long a scan waits before its status tells for which limit; until then it is Pending.",
    )
    pending_seconds: float = Field(
        default=300, ge=1, description="How long a Job's pod may wait for a node or an image before the attempt fails."
    )
    scanner_memory_most: Amount = Field(
        default=Quantity("1Gi"),
        description="A scan that is OOM-killed is retried once with twice the memory, up to this amount.",
    )
    ttl_seconds: int = Field(
        default=7 * 86400,
        ge=0,
        le=MAX_TTL_SECONDS,
        description="Age after its end at which a succeeded LogScan is deleted; its row stays.",
    )
    failed_ttl_seconds: int = Field(
        default=30 * 86400, ge=0, le=MAX_TTL_SECONDS, description="The same for a failed or cancelled one."
    )
    max_finished: int = Field(
        default=5000, ge=0, description="Finished LogScans kept at the most; the oldest go first."
    )
    deletes_per_second: int = Field(default=20, ge=1, description="Pace at which finished LogScans are deleted.")
    events_per_second: float = Field(default=5, gt=0, description="Pace at which Kubernetes Events are written.")
    lease_seconds: int = Field(
        default=15,
        ge=3,
        le=300,
        description="How long a leader that says nothing keeps the lead; see docs/operations.md.",
    )
    debug: bool = Field(default=False, description="Serve /debug/plan: what the scheduler would do now, and why.")
    job_ttl_seconds: int = Field(default=3600, ge=60, le=2**31 - 1, description="ttlSecondsAfterFinished of Jobs.")
    result_ttl_days: int = Field(default=90, ge=1, description="Age at which DynamoDB may drop a row.")
    reports_bucket: str | None = Field(
        default=None, min_length=3, max_length=63, description="Bucket for the findings of scans; none means no report."
    )
    mail_sender: str | None = Field(
        default=None,
        pattern=r"^[^\s@]+@[^\s@]+$",
        description="Address that mail is from, verified in SES; none means no mail.",
    )
    webhook_internal: Annotated[str, AfterValidator(_destinations)] = Field(
        default="",
        max_length=DESTINATION_BYTES,
        description="Networks (as 10.0.0.0/8) and hosts that webhooks may go to beyond the public internet, also by "
        "http, separated by commas. Anywhere else a webhook must be https at a public address.",
    )
    resync_seconds: float = Field(
        default=300,
        ge=1,
        description="How often everything is listed again, which makes up for a watch that has gone silent.",
    )
    http_port: int = Field(default=HTTP_PORT, ge=1, le=65535, description="Port of /healthz, /readyz and /metrics.")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged.")

    @property
    def namespaces(self) -> list[str]:
        """Return all namespaces whose LogScans are run, the operator's own first."""
        others = [name.strip() for name in self.watch_namespaces.split(",") if name.strip()]
        return [self.namespace, *(name for name in dict.fromkeys(others) if name != self.namespace)]

    @property
    def queue_urls(self) -> list[str]:
        """Return the queues that are read."""
        return [url.strip() for url in self.queue_url.split(",") if url.strip()]


def load() -> Settings:
    """Return the settings of the environment, or end the process with a message that names each bad variable."""
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        names = [str(problem["loc"][0]) for problem in error.errors()]
        for name, problem in zip(names, problems(error, Settings, _variable), strict=True):
            sys.stderr.write(f"{problem} ({Settings.model_fields[name].description})\n")
        raise SystemExit(2) from None


def _variable(path: Path) -> str:
    """Return the variable of a setting, with the field within it where the setting is JSON."""
    name, *inner = path
    return dotted((f"{PREFIX}{str(name).upper()}", *inner))
