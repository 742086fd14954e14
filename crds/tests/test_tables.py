"""Tables of the documentation: they follow from the code, and pages say which they want."""

from pathlib import Path

import pytest

from logscan_api.conditions import ConditionType, RuleReason
from logscan_api.exitcodes import ExitCode, Reason
from logscan_api.notify import ChannelType
from logscan_api.packs import pack_names
from logscan_api.tables import TABLES, main, rewritten


def test_every_code_reason_pack_and_channel_is_in_its_table() -> None:
    wanted = {
        "exit-codes": [f"| {int(code)} |" for code in ExitCode],
        "reasons": [f"`{reason}`" for reason in Reason],
        "conditions": [f"| `{kind}` |" for kind in ConditionType],
        "rule-reasons": [f"| {reason.status} | `{reason}` |" for reason in RuleReason],
        "packs": [f"| `{name}` |" for name in pack_names()],
        "channels": [f"| `{kind}` |" for kind in ChannelType],
    }
    for name, words in wanted.items():
        table = TABLES[name]()
        assert not [word for word in words if word not in table]


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_tables(name: str) -> None:
    cells = {line.replace(r"\|", "").count("|") for line in TABLES[name]().splitlines()}
    assert len(cells) == 1


def test_only_what_is_between_the_comments_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table packs -->\nold\n<!-- end -->\nafter\n")
    assert main(["--check", str(page)]) == 1
    assert "make generate" in capsys.readouterr().err
    assert main([str(page)]) == 0
    assert main(["--check", str(page)]) == 0
    assert page.read_text() == f"before\n<!-- table packs -->\n{TABLES['packs']()}<!-- end -->\nafter\n"


def test_a_table_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError, match="colours"):
        rewritten("<!-- table colours -->\n<!-- end -->\n")
