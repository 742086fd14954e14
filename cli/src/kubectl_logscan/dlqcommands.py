"""The commands about messages that the operator could not read, or create LogScans for."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from kubectl_logscan import output
from kubectl_logscan.deadletters import DeadLetters, Message
from kubectl_logscan.errors import UsageError
from kubectl_logscan.options import Output
from kubectl_logscan.output import Format
from logscan_api.results import stamp
from logscan_api.text import cut, printable

SHOWN_BYTES = 120  # of a body in a table
DOCUMENTS = (Format.JSON, Format.YAML)

Queue = Annotated[
    str, typer.Option(metavar="URL", envvar="LOGSCAN_DEAD_LETTER_QUEUE_URL", help="URL of the dead-letter queue.")
]
Most = Annotated[int, typer.Option("--max", min=1, max=10_000, help="How many messages at most.")]

dlq = typer.Typer(help="Show dead letters, and send them again.", no_args_is_help=True)


@dlq.command("list")
def list_messages(queue: Queue, most: Most = 100, output_format: Output = Format.TABLE) -> None:
    """List messages of the dead-letter queue; they stay in it, hidden from other readers while the command runs.

    This needs sqs:ReceiveMessage and sqs:ChangeMessageVisibility.
    """
    found = [_facts(message) for message in DeadLetters(queue).held(most)]
    if output_format in DOCUMENTS:
        output.show_document(found, output_format)
        return
    if not found and output_format is not Format.CSV:
        typer.echo("no dead letters, or another reader hides them", err=True)
        return
    whole = output_format is not Format.TABLE
    rows = [
        [*list(facts.values())[:-1], facts["body"] if whole else cut(facts["body"], SHOWN_BYTES)] for facts in found
    ]
    output.show_rows(("ID", "SENT", "RECEIVED", "BODY"), rows, output_format)


@dlq.command("show")
def show_message(
    number: Annotated[str, typer.Argument(metavar="ID", help="Id of the message.")], queue: Queue, most: Most = 1000
) -> None:
    """Show a message of the dead-letter queue; it stays in it.

    This needs sqs:ReceiveMessage and sqs:ChangeMessageVisibility.
    """
    facts = _facts(DeadLetters(queue).message(number, most))
    output.show_facts(list(facts.items())[:-1])
    typer.echo()
    typer.echo("\n".join(printable(line) for line in facts["body"].split("\n")))


@dlq.command("redrive")
def redrive(
    queue: Queue,
    to: Annotated[
        str, typer.Option(metavar="URL", envvar="LOGSCAN_QUEUE_URL", help="URL of the queue that gets them.")
    ],
    most: Most = 10_000,
) -> None:
    """Send dead letters again, each before it is deleted here: one may be sent twice, which is safe; none is lost.

    This needs sqs:ReceiveMessage, sqs:ChangeMessageVisibility and sqs:DeleteMessage on the
    dead-letter queue, and sqs:SendMessage on the other.
    """
    if to == queue:
        raise UsageError("--to and --queue are the same queue: name the one that the operator reads with --to")
    sent = 0
    try:
        for message in DeadLetters(queue).redrive(to, most):
            sent += 1
            typer.echo(f"{message['MessageId']} is sent again")
    finally:
        typer.echo(f"{sent} messages sent to {printable(to)}", err=True)


def _facts(message: Message) -> dict[str, str]:
    attributes = message["Attributes"]
    sent = datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC)
    received = attributes["ApproximateReceiveCount"]
    return {"id": message["MessageId"], "sent": stamp(sent), "received": received, "body": message["Body"]}
