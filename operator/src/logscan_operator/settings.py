"""The operator's settings, from environment variables that start with `LOGSCAN_`. Read once, before anything runs."""

import sys
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretBytes, ValidationError, WithJsonSchema
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from logscan_api.destinations import DESTINATION_BYTES
from logscan_api.explanations import Path, dotted, problems
from logscan_api.jobtemplates import JobTemplate
from logscan_api.logscans import MAX_TTL_SECONDS
from logscan_api.quantities import Amount, Quantity
from logscan_api.roles import EXTERNAL_ID_PATTERN
from logscan_api.rules import MOST_PACKS
from logscan_operator.settingvalues import (
    Names,
    job_fields,
    joined_destinations,
    keys_in_folder,
    parsed_json,
    split,
)
from logscan_operator.starting import HTTP_PORT

PREFIX = "LOGSCAN_"


class Settings(BaseSettings):
    """Every setting with its unit, default and reason."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    namespace: str = Field(
        min_length=1, description="The operator's namespace. LogScans for messages and the Lease are created here."
    )
    watch_namespaces: Names = Field(
        default=[], description="Additional namespaces whose LogScans are run, separated by commas."
    )
    default_policy_packs: Names = Field(
        default=[],
        max_length=MOST_PACKS,
        description="Rule packs of the LogScanPolicy `default`, separated by commas. The operator creates the policy, "
        "also after it was deleted; if this is empty, it creates none.",
    )
    queue_urls: Names = Field(
        min_length=1, description="URLs of the SQS queues with object events, FIFO or standard, separated by commas."
    )
    receivers: int = Field(default=1, ge=1, le=16, description="Concurrent receivers for each queue.")
    table: str = Field(min_length=3, description="DynamoDB table for the results.")
    signing_keys: Annotated[
        list[SecretBytes], NoDecode, BeforeValidator(keys_in_folder), WithJsonSchema({"type": "string"})
    ] = Field(
        min_length=1,
        max_length=2,
        description="Folder with the key that signs rows, in the file `current`; rows that the key in the file "
        "`previous` signed are also believed.",
    )
    scanner_image: str = Field(min_length=1, description="Image of the scanner.")
    scanner_service_account: str = Field(
        default="logscan-scanner", description="Service account of scan pods, which gives them their AWS role."
    )
    scanner_env_secret: str | None = Field(
        default=None,
        description="Secret whose keys become environment variables of scan pods, such as AWS keys outside EKS.",
    )
    scanner_image_pull_policy: str = Field(
        default="IfNotPresent", pattern="^(Always|IfNotPresent|Never)$", description="imagePullPolicy of scan pods."
    )
    scanner_read_seconds: float = Field(
        default=30,
        ge=1,
        le=3600,
        description="Seconds without a byte from S3 after which a scan pod resumes the read on another connection.",
    )
    scanner_cpu_request: Amount = Field(default=Quantity("250m"), description="CPU that a scan pod requests.")
    scanner_memory_request: Amount = Field(default=Quantity("128Mi"), description="Memory that a scan pod requests.")
    scanner_memory_limit: Amount = Field(default=Quantity("256Mi"), description="Memory at which a scan pod is killed.")
    scanner_job: Annotated[JobTemplate, NoDecode, BeforeValidator(parsed_json)] = Field(
        default_factory=JobTemplate,
        description="Defaults for the Job templates of policies and scans, as JSON: resources, nodeSelector, "
        "tolerations, affinity, priorityClassName, labels.",
    )
    max_concurrent: int = Field(default=10, ge=1, le=10000, description="Maximum concurrent Jobs.")
    max_concurrent_per_namespace: int | None = Field(
        default=None,
        ge=1,
        description="Maximum concurrent Jobs per namespace. If unset, half of the maximum where several namespaces are "
        "watched, so that the Jobs of one never take all slots.",
    )
    backfill_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the maximum concurrent Jobs that LogScans under a prefix may use, and one Job at least. "
        "The others are always free for uploads.",
    )
    backfill_objects_per_second: float = Field(
        default=500,
        gt=0,
        description="Objects per second that all backfills together send to the API server. Each takes about 0.6 ms of "
        "its CPU time, and uploads wait while it is busy.",
    )
    # Without it, scans of low priority wait for as long as others of higher priority keep arriving.
    aging_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds of waiting that raise a scan's priority by one point, so that no scan waits forever.",
    )
    supersede: bool = Field(
        default=True,
        description="Cancel an unfinished scan of an object when a newer version of the object is to be scanned.",
    )
    max_unfinished: int = Field(
        default=1000,
        ge=1,
        description="Number of unfinished LogScans in the operator's namespace, without suspended ones and those of "
        "prefixes, at which the operator stops receiving. A backlog then waits in SQS.",
    )
    receive_wait_seconds: int = Field(default=20, ge=0, le=20, description="Duration of a long poll of SQS in seconds.")
    # Short, so that the messages of an operator that was killed are soon received by the next one.
    visibility_seconds: int = Field(
        default=60,
        ge=10,
        le=43200,
        description="Visibility timeout of received messages in seconds. It is renewed after a third of that time.",
    )
    default_attempts: int = Field(default=3, ge=1, le=10, description="Default number of attempts (Jobs) for a scan.")
    default_timeout_seconds: int = Field(default=3600, ge=10, description="Default timeout of a Job in seconds.")
    retry_first_seconds: float = Field(
        default=10, ge=0, description="Seconds before the second attempt. The delay doubles with each further attempt."
    )
    retry_most_seconds: float = Field(default=600, ge=0, description="Maximum seconds between two attempts.")
    queued_after_seconds: float = Field(
        default=60,
        ge=0,
        description="Seconds until the status of a waiting scan names the limit. Until then the scan is Pending.",
    )
    pending_seconds: float = Field(
        default=300,
        ge=1,
        description="Seconds that a Job's pod may wait for a node or an image before the attempt fails.",
    )
    scanner_memory_most: Amount = Field(
        default=Quantity("1Gi"),
        description="A scan that is OOM-killed is retried once with twice the memory, up to this amount.",
    )
    ttl_seconds: int = Field(
        default=7 * 86400,
        ge=0,
        le=MAX_TTL_SECONDS,
        description="Seconds until a succeeded LogScan is deleted. Its row in DynamoDB stays.",
    )
    failed_ttl_seconds: int = Field(
        default=30 * 86400,
        ge=0,
        le=MAX_TTL_SECONDS,
        description="Seconds until a failed or cancelled LogScan is deleted.",
    )
    max_finished: int = Field(
        default=5000,
        ge=0,
        description="Maximum number of finished LogScans that are kept. Beyond it, the namespace with the most loses "
        "its oldest.",
    )
    # Each may make the garbage collector delete a Job and a pod too.
    deletes_per_second: int = Field(
        default=20, ge=1, description="Maximum rate at which finished LogScans are deleted."
    )
    events_per_second: float = Field(
        default=5, gt=0, description="Maximum rate at which Kubernetes Events are created."
    )
    lease_seconds: int = Field(
        default=15,
        ge=3,
        le=300,
        description="Duration of the Lease in seconds. A standby takes over after this time without a renewal.",
    )
    debug: bool = Field(
        default=False, description="Serve /debug/plan, which shows what the scheduler would do now and why."
    )
    job_ttl_seconds: int = Field(default=3600, ge=60, le=2**31 - 1, description="ttlSecondsAfterFinished of Jobs.")
    result_ttl_days: int = Field(default=90, ge=1, description="Days until DynamoDB deletes a row.")
    reports_bucket: str | None = Field(
        default=None,
        min_length=3,
        max_length=63,
        description="Bucket for files with the findings of scans. If unset, none are written.",
    )
    mail_sender: str | None = Field(
        default=None,
        pattern=r"^[^\s@]+@[^\s@]+$",
        description="Sender address of mail, verified in SES. If unset, no mail is sent.",
    )
    webhook_internal: Annotated[str, AfterValidator(joined_destinations)] = Field(
        default="",
        max_length=DESTINATION_BYTES,
        description="Internal networks (such as 10.0.0.0/8) and hosts that webhooks may call, also by http, "
        "separated by commas. All other webhooks must use https and a public address.",
    )
    # What LogScans of the other watched namespaces may ask for; `tenancy` applies it.
    allowed_buckets: Annotated[dict[str, list[str]], NoDecode, BeforeValidator(parsed_json)] = Field(
        default={},
        description="Buckets that the LogScans of a namespace may name, as JSON: globs with * at the end by namespace.",
    )
    unlisted_namespaces: str = Field(
        default="Deny",
        pattern="^(Allow|Deny)$",
        description="Whether LogScans of watched namespaces without allowed buckets are run.",
    )
    allowed_roles: Annotated[dict[str, list[str]], NoDecode, BeforeValidator(parsed_json)] = Field(
        default={},
        description="ARNs of IAM roles that the LogScans and policies of a namespace may name in `roleArn`, as JSON: "
        "globs with * at the end by namespace. No role may be named that is not listed.",
    )
    external_id_prefix: str = Field(
        default="logscan",
        min_length=1,
        max_length=64,
        pattern=EXTERNAL_ID_PATTERN,
        description="What the external id begins with that such a role is assumed with; a colon and the namespace of "
        "the LogScan follow. Clusters that share a role of AWS need different ones.",
    )
    tenant_recipients: str = Field(
        default="",
        description="Mail addresses that LogScans of watched namespaces may notify, separated by commas; "
        "`*@example.com` is all of a domain.",
    )
    tenant_topics: str = Field(
        default="",
        description="ARNs of SNS topics that LogScans of watched namespaces may notify, separated by commas; * at the "
        "end matches the rest.",
    )
    tenant_webhooks: str = Field(
        default="",
        description="Hosts that webhooks of LogScans of watched namespaces may call, separated by commas; "
        "`*.example.com` is all of a domain. Channels with a URL in a Secret are held to it too.",
    )
    tenant_event_buses: str = Field(
        default="",
        description="ARNs of EventBridge buses that LogScans of watched namespaces may notify, separated by commas; * "
        "at the end matches the rest.",
    )
    tenant_secrets: str = Field(
        default="",
        description="Names of Secrets of their own namespace that channels of LogScans of watched namespaces may use, "
        "separated by commas; * at the end matches the rest.",
    )
    tenant_job_fields: Annotated[str, AfterValidator(job_fields)] = Field(
        default="resources",
        description="Fields of `job` that LogScans of watched namespaces may set, separated by commas.",
    )
    tenant_cpu_most: int = Field(
        default=2, ge=1, le=1024, description="CPUs that a LogScan of a watched namespace may ask for."
    )
    tenant_memory_most: Amount = Field(
        default=Quantity("1Gi"), description="Memory that a LogScan of a watched namespace may ask for."
    )
    tenant_attempts_most: int = Field(
        default=3, ge=1, le=10, description="Attempts that a LogScan of a watched namespace may ask for."
    )
    tenant_timeout_seconds_most: int = Field(
        default=3600,
        ge=10,
        le=86400,
        description="Timeout in seconds that a LogScan of a watched namespace may ask for.",
    )
    tenant_unredacted: bool = Field(
        default=False, description="Whether rules of LogScans of watched namespaces may set `redact` to false."
    )
    resync_seconds: float = Field(
        default=300,
        ge=1,
        description="Seconds between full lists of the cluster, which make up for a watch that went silent.",
    )
    http_port: int = Field(default=HTTP_PORT, ge=1, le=65535, description="Port of /healthz, /readyz and /metrics.")
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Minimum level of log lines."
    )

    @property
    def namespaces(self) -> list[str]:
        """Return all namespaces whose LogScans are run, the operator's own first."""
        return list(dict.fromkeys([self.namespace, *self.watch_namespaces]))

    @property
    def row_keys(self) -> list[bytes]:
        """Return the keys of rows, the one that signs first."""
        return [key.get_secret_value() for key in self.signing_keys]

    @property
    def backfill_slots(self) -> int:
        """Return how many Jobs may run for prefixes at the same time."""
        return max(int(self.max_concurrent * self.backfill_share), 1)

    @property
    def namespace_slots(self) -> int:
        """Return how many Jobs a namespace may run at the same time."""
        share = self.max_concurrent if len(self.namespaces) == 1 else max(self.max_concurrent // 2, 1)
        return self.max_concurrent_per_namespace or share

    def webhook_hosts(self, namespace: str) -> list[str] | None:
        """Return the hosts that scans of a namespace may post to, or None for all."""
        return None if namespace == self.namespace else split(self.tenant_webhooks)


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
