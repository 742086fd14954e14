"""The commands about rules: those that are shipped, and tests of your own."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from kubectl_logscan import output
from kubectl_logscan.errors import Exit, NotFoundError, UsageError
from kubectl_logscan.importcommands import imports
from kubectl_logscan.junit import as_junit
from kubectl_logscan.options import Output
from kubectl_logscan.output import Format
from kubectl_logscan.rulefiles import Case, check, read_rules
from logscan_api import UnknownPackError
from logscan_api.packs import Pack, load_pack, pack_names
from logscan_api.text import printable
from logscan_scanner import ruletests

DOCUMENTS = (Format.JSON, Format.YAML)

rules = typer.Typer(help="Show the shipped rules, and test your own.", no_args_is_help=True)
rules.add_typer(imports, name="import")


@rules.command("list")
def list_packs(output_format: Output = Format.TABLE) -> None:
    """List the shipped rule packs."""
    packs = [load_pack(name) for name in pack_names()]
    if output_format in DOCUMENTS:
        found = [{"name": p.name, "description": p.description, "rules": len(p.rules)} for p in packs]
        output.show_document(found, output_format)
    else:
        output.show_rows(
            ("PACK", "RULES", "FOR"), [[p.name, len(p.rules), p.description] for p in packs], output_format
        )


@rules.command()
def show(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="Name of the pack.")], output_format: Output = Format.TABLE
) -> None:
    """Show the rules of a pack; `-o yaml` prints a file that `rules test` reads."""
    found = _pack(pack)
    if output_format in DOCUMENTS:
        output.show_document(found.wire(), output_format)
        return
    if output_format is Format.TABLE:
        rows: list[list[object]] = [[r.rule.name, r.rule.severity, r.matches[0]] for r in found.rules]
        output.show_rows(("RULE", "SEVERITY", "MATCHES FOR EXAMPLE"), rows, output_format)
        return
    rows = [[r.rule.name, r.rule.severity, r.rule.pattern or _flow(r.rule.where), r.rule.exclude] for r in found.rules]
    output.show_rows(("RULE", "SEVERITY", "PATTERN", "EXCLUDE"), rows, output_format)


@rules.command("test")
def run_tests(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="YAML with LogScanRuleSets, or in the form of a pack, or the name of a pack."
        ),
    ],
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the result as JUnit XML.")] = None,
) -> None:
    """Test rules against the lines under their `matches` and `ignores`; exits with 1 if a rule fails."""
    tested = ruletests.load(file) if file in pack_names() else read_rules(Path(file))
    cases = list(check(tested))
    if junit is not None:
        _write(junit, as_junit(file, cases))
    failed = [case for case in cases if case.failure]
    for case in failed:
        typer.echo(_sentence(case))
    names = {case.rule for case in failed}
    typer.echo(f"{len(tested) - len(names)} of {len(tested)} rules passed, on {len(cases)} lines")
    if failed:
        raise typer.Exit(Exit.FOUND)


def _sentence(case: Case) -> str:
    line = f": {printable(case.text)}" if case.text else ""
    return f"rule {case.rule} {printable(str(case.failure))}{line}"


def _flow(document: object) -> str:
    return yaml.safe_dump(document, default_flow_style=True, width=10**6).strip()


def _pack(name: str) -> Pack:
    try:
        return load_pack(name)
    except UnknownPackError as error:
        raise NotFoundError(str(error)) from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}: choose another file") from error
