"""The command that uploads a canary and follows it."""

import time
from typing import Annotated

import typer

from kubectl_logscan.errors import UsageError
from kubectl_logscan.options import Context, Kubeconfig, OperatorNamespace, cluster
from logscan_api.text import printable

Bucket = Annotated[
    str | None,
    typer.Option(envvar="LOGSCAN_BUCKET", help="Bucket of logs (default: the first that a policy names without `*`)."),
]
Prefix = Annotated[str, typer.Option(help="What the canary's key begins with; a policy must match it.")]
Patience = Annotated[float, typer.Option(min=1, help="Seconds for all steps together.")]
Keep = Annotated[bool, typer.Option("--keep", help="Delete neither the object nor its LogScan at the end.")]


def selftest(
    bucket: Bucket = None,
    prefix: Prefix = "logscan-selftest/",
    timeout: Patience = 300,
    keep: Keep = False,
    operator_namespace: OperatorNamespace = "logscan",
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Upload a small log and follow it to its row: shows each step with its time, and deletes object and LogScan.

    This needs credentials of AWS with s3:PutObject and s3:DeleteObject for the bucket, and dynamodb:GetItem for the
    table; the row expires as all rows do. Exits with 8 and names the step if one is not reached.
    """
    from kubectl_logscan.canaries import Canary  # late, as the cluster

    place = cluster(kubeconfig, context, operator_namespace)
    canary = Canary(place, bucket or _bucket(place.buckets()), prefix, timeout)
    began = time.monotonic()
    try:
        for step in canary.steps():
            seconds = time.monotonic() - began
            typer.echo(f"{seconds:7.1f} s  {step.name:<9} {printable(step.about)}")
    finally:
        for left in [] if keep else canary.clean_up():
            typer.echo(f"not deleted: {printable(left)}", err=True)
    typer.echo(f"uploads into the bucket are scanned, in {time.monotonic() - began:.1f} seconds")


def _bucket(named: list[str]) -> str:
    for bucket in named:
        if not set("*?") & set(bucket):
            return bucket
    raise UsageError("no LogScanPolicy names a bucket: name one with --bucket")
