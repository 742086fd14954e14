"""The command that looks for what does not work."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubectl_logscan import output
from kubectl_logscan.checks import Check, Outcome, State, run
from kubectl_logscan.errors import Exit
from kubectl_logscan.options import Context, Kubeconfig, Namespace, OperatorNamespace, Output, cluster
from kubectl_logscan.output import Format
from logscan_api.text import printable

if TYPE_CHECKING:
    from kubectl_logscan.clusterchecks import ClusterChecks

MARKS = {State.OK: ("ok", "green"), State.PROBLEM: ("problem", "bold red"), State.SKIPPED: ("skipped", "dim")}
SETTINGS_SECONDS = 10.0

BucketName = Annotated[str | None, typer.Option(help="Bucket whose notification is looked at.")]
KeyName = Annotated[str | None, typer.Option(help="Key of an object in --bucket: which policy decides about it?")]
QueueUrl = Annotated[
    str | None, typer.Option(metavar="URL", envvar="LOGSCAN_QUEUE_URL", help="Queue (default: the operator's).")
]
DoctorTable = Annotated[
    str | None, typer.Option(metavar="NAME", envvar="LOGSCAN_TABLE", help="DynamoDB table (default: the operator's).")
]
Patience = Annotated[float, typer.Option(min=1, help="Seconds for all checks together.")]


def doctor(
    bucket: BucketName = None,
    key: KeyName = None,
    queue: QueueUrl = None,
    table: DoctorTable = None,
    operator_namespace: OperatorNamespace = "logscan",
    timeout: Patience = 20,
    output_format: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Look for what does not work: rights, CRDs, operator, queue, notification, policy, table and clocks.

    Each check is one line, and says what to do if there is a problem; one that fails stops no other. Exits with 8 if
    there is a problem.
    """
    found = _checks(
        lambda: _cluster_checks(kubeconfig, context, namespace, operator_namespace), bucket, key, queue, table, timeout
    )
    if output_format in (Format.JSON, Format.YAML):
        output.show_document([_wire(one) for one in found], output_format)
    elif output_format is Format.CSV:
        head = ("CHECK", "STATE", "MESSAGE", "ADVICE")
        output.show_rows(head, [list(_wire(one).values()) for one in found], output_format)
    else:
        _show(found)
    if any(one.state is State.PROBLEM for one in found):
        raise typer.Exit(Exit.UNHEALTHY)


def _cluster_checks(
    kubeconfig: str | None, context: str | None, namespace: str | None, operator_namespace: str
) -> "ClusterChecks":
    from kubectl_logscan.clusterchecks import ClusterChecks  # late, as the cluster

    return ClusterChecks(cluster(kubeconfig, context, namespace), operator_namespace)


def _checks(
    connect: Any, bucket: str | None, key: str | None, queue: str | None, table: str | None, timeout: float
) -> list[Outcome]:
    """Return what came of all checks; those of the cluster are one problem if there is no kubeconfig."""
    from kubectl_logscan.awschecks import AwsChecks  # late: boto3

    made: list[Any] = []

    def connected() -> str:
        made.append(connect())
        return "the kubeconfig can be read"

    (config,) = run([Check("kubeconfig", connected, "the kubeconfig, or the program that it names")], timeout)
    of_cluster: list[Check] = []
    settings: dict[str, str] = {}
    if made:
        checks, server = made[0], "the API server"
        if not (queue and table):

            def read() -> str:
                settings.update(checks.settings())
                return ""

            run([Check("settings", read, server)], min(timeout, SETTINGS_SECONDS))
        of_cluster = [
            Check("identity", checks.identity, server),
            Check("rights", checks.rights, server),
            Check("crds", checks.crds, server),
            Check("operator", checks.operator, server),
            Check("leader", checks.leader, server),
            Check("policy", lambda: checks.policy(bucket, key), server),
            Check("clock", checks.clock, server),
        ]
    queues = [queue] if queue else [url for url in settings.get("LOGSCAN_QUEUE_URLS", "").split(",") if url]
    aws = AwsChecks(queues, table or settings.get("LOGSCAN_TABLE"))
    of_aws = [
        Check("aws identity", aws.identity, "STS"),
        Check("aws clock", aws.clock, "STS"),
        Check("queue", aws.queue, "SQS"),
        Check("dead letters", aws.dead_letters, "SQS"),
        Check("notification", lambda: aws.notification(bucket), "S3"),
        Check("table", aws.table, "DynamoDB"),
    ]
    return [config, *run([*of_cluster, *of_aws], timeout)]


def _wire(one: Outcome) -> dict[str, str]:
    return {"check": one.check, "state": str(one.state), "message": one.message, "advice": one.advice}


def _show(found: list[Outcome]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in found:
        word, style = MARKS[one.state]
        text = Text(printable(one.message))
        if one.advice:
            text.append(f"\n→ {printable(one.advice)}", style="bold")
        table.add_row(Text(word, style=style), one.check, text)
    output.console().print(table)
