"""A page for each pack of rules: what it looks for, and lines that it finds and leaves out."""

from pathlib import Path
from typing import Any

import yaml

from logscan_tools.paths import REPOSITORY

PACKS = REPOSITORY / "crds" / "src" / "logscan_api" / "packs"
INDEX = """# Rule packs
A pack is a list of rules for one kind of log. LogScans and policies name packs in `rules.packs`;
[Rules](../rules.md) says how rules are read. Each rule below is tested with the lines that its page shows.

| pack | rules | for |
| --- | --- | --- |
{rows}
"""
# What a rule has besides its pattern.
MORE = ("where", "exclude", "ignoreCase", "unicode", "threshold", "redact")


def write_packs(folder: Path) -> None:
    """Write a page for each pack, and an index, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for path in sorted(PACKS.glob("*.yaml")):
        pack = yaml.safe_load(path.read_text(encoding="utf-8"))
        (folder / f"{path.stem}.md").write_text(page(pack), encoding="utf-8")
        description = " ".join(pack["description"].split())
        rows.append(f"| [{path.stem}]({path.stem}.md) | {len(pack['rules'])} | {cell(description)} |")
    (folder / "index.md").write_text(INDEX.format(rows="\n".join(rows)), encoding="utf-8")


def page(pack: dict[str, Any]) -> str:
    """Return the page of a pack."""
    parts = [f"# {pack['name']}", " ".join(pack["description"].split())]
    if pack.get("sources"):
        parts += ["The formats are documented here:", "\n".join(f"- <{source}>" for source in pack["sources"])]
    for entry in pack["rules"]:
        rule = entry["rule"]
        parts += [f"## {rule['name']}", f"Severity: **{rule.get('severity', 'error')}**"]
        parts += _fenced("yaml", _definition(rule))
        parts += ["Found:", *_fenced("text", "\n".join(entry["matches"]))]
        parts += ["Not found:", *_fenced("text", "\n".join(entry["ignores"]))]
    return "\n\n".join(parts) + "\n"


def cell(text: str) -> str:
    """Return text as a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _definition(rule: dict[str, Any]) -> str:
    shown = {name: rule[name] for name in ("pattern", *MORE) if name in rule}
    return str(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=10_000)).rstrip("\n")


def _fenced(kind: str, text: str) -> list[str]:
    """Return text in a fence that nothing in it ends."""
    fence = "`" * max(3, *(len(run) + 1 for run in _runs(text)))
    return [f"{fence}{kind}\n{text}\n{fence}"]


def _runs(text: str) -> list[str]:
    """Return the runs of backticks in a text, or one that is empty."""
    runs = "".join(char if char == "`" else " " for char in text).split()
    return runs or [""]
