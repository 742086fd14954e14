"""The page of the commands."""

from pathlib import Path

import pytest

from kubectl_logscan import reference
from kubectl_logscan.errors import CliError, Exit
from logscan_tools.paths import REPOSITORY


def test_every_command_and_exit_code_is_described() -> None:
    page = (REPOSITORY / "docs/cli.md").read_text()
    for command in ("results", "why", "list", "scan", "retry", "suspend", "resume", "cancel", "rules test", "history"):
        assert f"### {command}\n" in page
    codes = (REPOSITORY / "docs/exit-codes.md").read_text()
    for code in Exit:
        assert f"| {int(code)} | {code.meaning} |" in codes


def test_a_page_that_is_out_of_date_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- generated exit-codes -->\nold\n<!-- end -->\n")
    assert reference.main(["--check", str(page)]) == 1
    assert "page.md" in capsys.readouterr().err
    assert reference.main([str(page)]) == 0
    assert reference.main(["--check", str(page)]) == 0


@pytest.mark.parametrize("kind", CliError.__subclasses__())
def test_no_kind_of_error_ends_as_a_success(kind: type[CliError]) -> None:
    assert kind.code in set(Exit) - {Exit.OK, Exit.FOUND}
