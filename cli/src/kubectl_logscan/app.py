"""All commands, under their names."""

from typing import Annotated

import typer

from kubectl_logscan import __version__
from kubectl_logscan.clustercommands import cancel, list_scans, results, resume, retry, suspend, why
from kubectl_logscan.dlqcommands import dlq
from kubectl_logscan.doctorcommands import doctor
from kubectl_logscan.reportcommands import report
from kubectl_logscan.rulecommands import rules
from kubectl_logscan.scancommands import history, scan
from kubectl_logscan.selftestcommands import selftest
from kubectl_logscan.topcommands import top

app = typer.Typer(
    name="kubectl logscan",
    help="What logscan found, why a scan waits or failed, and rules tried on files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What logscan found, why a scan waits or failed, and rules tried on files."""


for _command in (results, report, why, retry, suspend, resume, cancel, scan, history, doctor, selftest, top):
    app.command()(_command)
app.command("list")(list_scans)
app.add_typer(rules, name="rules")
app.add_typer(dlq, name="dlq")
