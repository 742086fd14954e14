"""The commands that make a LogScanRuleSet of rules of other tools."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from kubectl_logscan import gitleaksrules, grokrules, sigmarules
from kubectl_logscan.conversions import Draft, convert, documents, slug
from kubectl_logscan.errors import Exit, NotFoundError, UsageError
from logscan_api.rules import Severity
from logscan_api.text import printable

imports = typer.Typer(help="Make a LogScanRuleSet of rules of other tools.", no_args_is_help=True)

SetName = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the set (default: that of the file).")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The file of the other tool.")]


@imports.command()
def gitleaks(file: File, name: SetName = None) -> None:
    """Convert the rules of a gitleaks.toml; exits with 9 if some could not be converted."""
    _print(file, name, gitleaksrules.drafts(_read(file)), "gitleaks")


@imports.command()
def grok(
    file: File,
    pattern: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Pattern, may be repeated (default: those that no other one uses)."),
    ] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="FILE", help="Patterns that are used, may be repeated."),
    ] = None,
    severity: Annotated[Severity, typer.Option(help="Severity of the rules.")] = Severity.INFO,
    name: SetName = None,
) -> None:
    """Convert grok patterns, such as Logstash's; exits with 9 if some could not be converted."""
    known: dict[str, str] = {}
    for other in others or []:
        known |= _definitions(other)
    own = _definitions(file)
    _print(file, name, grokrules.drafts(own, known, pattern or [], severity.value), "grok")


@imports.command("sigma-keywords")
def sigma_keywords(file: File, name: SetName = None) -> None:
    """Convert Sigma rules that search for keywords; exits with 9 if some could not be converted."""
    _print(file, name, sigmarules.drafts(_read(file)), "Sigma")


def _print(file: Path, name: str | None, drafts: Iterable[Draft], tool: str) -> None:
    try:
        made = convert(drafts)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    for called, reason in made.wider:
        typer.echo(printable(f"{called} matches more than it did: {reason} is not checked"), err=True)
    for called, reason in made.left_out:
        typer.echo(printable(f"{called} is left out: {reason}"), err=True)
    total = len(made.rules) + len(made.left_out)
    typer.echo(f"{len(made.rules)} of {total} rules converted, {len(made.wider)} of them match more", err=True)
    if made.rules:
        typer.echo(documents(name or slug(file.stem), f"From {tool}: {file.name}", made.rules), nl=False)
    if made.left_out or not made.rules:
        raise typer.Exit(Exit.PARTIAL)


def _definitions(path: Path) -> dict[str, str]:
    text = _read(path)
    try:
        return grokrules.definitions(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: convert it first") from error
