"""The documentation: links lead somewhere, anchors exist, and tests that a page names are there."""

import ast
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from logscan_tools.paths import REPOSITORY

FOREIGN = {
    ".venv",
    ".venv-audit",
    ".venv-checkov",
    ".venv-docs",
    ".venv-release",
    "dist",
    "target",
    "node_modules",
    ".git",
}


def ours(pattern: str) -> list[Path]:
    """Return the project's own files of a kind."""
    found = REPOSITORY.rglob(pattern)
    return sorted(path for path in found if not FOREIGN & set(path.relative_to(REPOSITORY).parts))


PAGES = ours("*.md")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PAGE = re.compile(r"(?<![\w/.-])docs/(?:\w[\w/-]*)\.md\b")
TEST = re.compile(r"`([\w/.-]+\.py)::(\w+)`")


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    texts = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def problems(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        there = page if not path else page.parent / path
        if not there.exists():
            found.append(f"{target}: no such file")
        elif anchor and there.suffix == ".md" and anchor not in anchors(there):
            found.append(f"{target}: no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert problems(page) == []


def test_what_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One & *two*\n[a](#one--two) [b](#three) [c](other.md) [d](https://x) [e](page.md#one--two)\n")
    assert problems(page) == ["#three: no such heading", "other.md: no such file"]


@pytest.mark.parametrize("kind", ["*.py", "*.rs", "*.sh", "*.yaml", "*.tf", "Makefile"])
def test_the_pages_that_code_names_exist(kind: str) -> None:
    named = {page: path for path in ours(kind) for page in PAGE.findall(path.read_text(encoding="utf-8"))}
    assert {page: path for page, path in named.items() if not (REPOSITORY / page).is_file()} == {}


def test_the_tests_that_the_page_on_security_names_exist() -> None:
    named = TEST.findall((REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8"))
    assert named
    for file, name in named:
        tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in functions, f"{file} has no {name}"


def test_the_page_on_architecture_names_modules_and_folders_that_exist() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    sections = dict(
        zip(
            re.findall(r"^## (.*)$", page, re.MULTILINE),
            re.split(r"^## .*$", page, flags=re.MULTILINE)[1:],
            strict=True,
        )
    )
    named = {
        "The operator": REPOSITORY / "operator" / "src" / "logscan_operator",
        "Contracts": REPOSITORY / "crds" / "src" / "logscan_api",
    }
    for title, folder in named.items():
        modules = [
            name
            for row in re.findall(r"^\|.*\|$", sections[title], re.MULTILINE)
            for name in re.findall(r"`(\w+)`", row)
        ]
        assert len(modules) > 5, title
        assert [name for name in modules if not (folder / f"{name}.py").exists()] == []
    folders = re.findall(r"^\| `([\w-]+)/`", sections["Folders"], re.MULTILINE)
    assert len(folders) > 5
    assert [name for name in folders if not (REPOSITORY / name).is_dir()] == []
