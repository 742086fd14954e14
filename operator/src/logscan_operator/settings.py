"""The operator's settings, from environment variables that start with `LOGSCAN_`. Built once, before anything runs."""

import os
import sys
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LOGSCAN_"


class Settings(BaseSettings):
    """Every setting with its unit, default and reason."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    namespace: str = Field(min_length=1, description="Namespace that is watched and in which LogScans are created.")
    queue_url: str = Field(min_length=1, description="URL of the SQS queue with object events.")
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
    scanner_cpu_request: str = Field(default="250m", description="CPU that a scan pod requests.")
    scanner_memory_request: str = Field(default="128Mi", description="Memory that a scan pod requests.")
    scanner_memory_limit: str = Field(default="256Mi", description="Memory at which a scan pod is killed.")
    max_concurrent: int = Field(default=10, ge=1, le=10000, description="Jobs that run at the same time at the most.")
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
    ttl_seconds: int = Field(
        default=7 * 86400, ge=0, description="Age after its end at which a LogScan is deleted; its row stays."
    )
    job_ttl_seconds: int = Field(default=3600, ge=60, description="ttlSecondsAfterFinished of Jobs.")
    result_ttl_days: int = Field(default=90, ge=1, description="Age at which DynamoDB may drop a row.")
    resync_seconds: float = Field(
        default=300, ge=1, description="How often everything is listed anew, which heals a silent watch."
    )
    http_port: int = Field(default=8080, ge=1, le=65535, description="Port of /healthz and /readyz.")
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged.")


def load() -> Settings:
    """Return the settings of the environment, or end the process with a message that names each bad variable."""
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        for problem in error.errors():
            sys.stderr.write(explain(problem) + "\n")
        raise SystemExit(2) from None


def explain(problem: Any) -> str:
    """Return one sentence about a setting that is missing or wrong."""
    variable = PREFIX + str(problem["loc"][0]).upper()
    value = os.environ.get(variable)
    if value is None:
        return f"{variable} is not set: {Settings.model_fields[str(problem['loc'][0])].description}"
    return f"{variable}={value!r} is wrong: {problem['msg']}"
