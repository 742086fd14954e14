"""Options that several commands have, with the names and letters of kubectl."""

from typing import TYPE_CHECKING, Annotated

import typer

from kubectl_logscan.output import Format

if TYPE_CHECKING:
    from kubectl_logscan.cluster import Cluster

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the LogScan.")]
Output = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]
Kubeconfig = Annotated[
    str | None, typer.Option(metavar="FILE", help="Kubeconfig (default: KUBECONFIG or ~/.kube/config).")
]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig (default: the current one).")]
Namespace = Annotated[str | None, typer.Option("-n", "--namespace", help="Namespace (default: that of the context).")]
AllNamespaces = Annotated[bool, typer.Option("-A", "--all-namespaces", help="List LogScans of all namespaces.")]

OperatorNamespace = Annotated[str, typer.Option(help="Namespace that the operator is installed in.")]

TableName = Annotated[
    str | None,
    typer.Option(metavar="NAME", envvar="LOGSCAN_TABLE", help="DynamoDB table (default: that of a LogScan there)."),
]


def cluster(kubeconfig: str | None, context: str | None, namespace: str | None, everywhere: bool = False) -> "Cluster":
    """Return the cluster that the options choose.

    Raises:
        ClusterError: The kubeconfig does not exist, or does not have the context.
    """
    from kubectl_logscan.cluster import Cluster  # late: it takes longer than to scan a small file

    return Cluster(kubeconfig, context, namespace, everywhere)
