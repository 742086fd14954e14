"""The command that shows what waits and what runs, live."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.text import Text

from kubectl_logscan import output
from kubectl_logscan.checks import ProblemError, SkippedError
from kubectl_logscan.errors import CliError, Exit, UnansweredError
from kubectl_logscan.options import AllNamespaces, Context, Kubeconfig, Namespace, OperatorNamespace, cluster
from kubectl_logscan.snapshots import Snapshot, shown, taken

if TYPE_CHECKING:
    from kubectl_logscan.awschecks import AwsChecks
    from kubectl_logscan.cluster import Cluster

QUEUE_SECONDS = 10.0  # SQS's numbers are not exact anyway

Once = Annotated[bool, typer.Option("--once", help="Print it once, and end.")]
Every = Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between two looks.")]
QueueUrl = Annotated[
    str | None, typer.Option(metavar="URL", envvar="LOGSCAN_QUEUE_URL", help="Queue (default: the operator's).")
]


class Looks:
    """Looks at the cluster and the queue, the queue less often."""

    def __init__(self, place: "Cluster", queues: "AwsChecks") -> None:
        self._place, self._queues = place, queues
        self._queue, self._asked = "", -QUEUE_SECONDS

    def look(self) -> Snapshot:
        """Return what waits and what runs now.

        Raises:
            ClusterError: The API server did not answer, or refused.
        """
        if time.monotonic() - self._asked >= QUEUE_SECONDS:
            self._queue, self._asked = self._depth(), time.monotonic()
        return taken(self._place.scans(), self._queue, datetime.now(UTC))

    def _depth(self) -> str:
        try:
            return self._queues.queue()
        except (SkippedError, ProblemError) as told:
            return str(told)
        except CliError as error:
            return f"the queue is not known: {error}"


def top(
    once: Once = False,
    every: Every = 2,
    queue: QueueUrl = None,
    operator_namespace: OperatorNamespace = "logscan",
    all_namespaces: AllNamespaces = False,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show what waits in the queue and which scans run, with their progress, until Ctrl-C; or once, with --once."""
    from kubectl_logscan.awschecks import AwsChecks  # late: boto3
    from kubectl_logscan.clusterchecks import ClusterChecks

    place = cluster(kubeconfig, context, namespace, all_namespaces)
    named = queue or ClusterChecks(place, operator_namespace).settings().get("LOGSCAN_QUEUE_URLS", "")
    looks = Looks(place, AwsChecks([url for url in named.split(",") if url], None))
    console = output.console()
    if once or not console.is_terminal:
        found = looks.look()
        console.print(shown(found, console.width, len(found.running) + 8))
        return
    _live(looks, every)


def _live(looks: Looks, every: float) -> None:
    """Draw on the terminal's other screen, so that what was there before is there again afterwards."""
    console = output.console()
    found = looks.look()
    failure = ""
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                width, height = console.size
                drawn = shown(found, width, height) if not failure else Text(failure, style="red")
                live.update(drawn, refresh=True)
                time.sleep(every)
                try:
                    found, failure = looks.look(), ""
                except UnansweredError as error:  # it may be back the next time
                    failure = str(error)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.OK) from None
