"""The site: zensical finds no link that leads nowhere, each page can be reached, and a browser asks no other server."""

import os
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

from logscan_tools.site import diagrams, fields, packs, pages, plots
from logscan_tools.site.__main__ import CONFIG, ZENSICAL, build, write

PLACES = {"docs/rules.md": "rules.md", "docs/decisions/0018-site.md": "decisions/0018-site.md", "README.md": "index.md"}
LOADED = re.compile(r'<(?:script|img|link|iframe)\b[^>]*?\b(?:src|href)="(?:https?:)?//[^"]*"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built site."""
    if not ZENSICAL.exists() and "CI" not in os.environ:
        pytest.skip("zensical is not installed: run make docs")
    folder = tmp_path_factory.mktemp("site")
    write(folder, "https://github.com/owner/logscan")
    build(folder)
    return folder


@pytest.mark.tools
def test_the_site_builds_without_a_warning(site: Path) -> None:
    written = {path.relative_to(site / "pages") for path in (site / "pages").rglob("*.md")}
    assert len(written) > 80
    for path in written:
        name = path.parent if path.stem in ("index", "README") else path.with_suffix("")
        assert (site / "site" / name / "index.html").is_file(), path


@pytest.mark.tools
def test_a_link_that_leads_nowhere_ends_the_build(site: Path, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.md").write_text("# One\n[two](two.md)\n")
    (tmp_path / "zensical.toml").write_text('[project]\nsite_name = "x"\ndocs_dir = "pages"\n')
    with pytest.raises(Exception, match="returned non-zero exit status"):
        build(tmp_path)


@pytest.mark.tools
def test_a_page_loads_nothing_from_another_server(site: Path) -> None:
    found = {path.name: LOADED.findall(path.read_text(encoding="utf-8")) for path in (site / "site").rglob("*.html")}
    foreign = [link for links in found.values() for link in links if 'rel="canonical"' not in link]
    assert foreign == []


def entries(nav: list[dict[str, Any]]) -> set[str]:
    """Return the pages of a navigation."""
    values = [value for entry in nav for value in entry.values()]
    return {page for value in values for page in (entries(value) if isinstance(value, list) else {value})}


def test_each_page_is_in_the_navigation_or_in_a_list_that_is() -> None:
    listed = entries(tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"])
    resources = {f"api/{path.stem.removesuffix('s')}.md" for path in fields.CRDS.glob("*.yaml")}
    resources = {page.replace("policie", "policy") for page in resources}
    decisions = {page for page in pages.sources().values() if page.startswith("decisions/0")}
    assert listed == (set(pages.sources().values()) - decisions) | resources | {"packs/index.md"}


@pytest.mark.parametrize(
    ("source", "link", "shown", "without"),
    [
        ("README.md", "[a](docs/rules.md#x)", "[a](rules.md#x)", None),
        ("docs/rules.md", "[b](decisions/0018-site.md)", "[b](decisions/0018-site.md)", None),
        ("docs/decisions/0018-site.md", "[r](../../README.md)", "[r](../index.md)", None),
        ("docs/decisions/0018-site.md", "![p](../pictures/p.png)", "![p](../pictures/p.png)", None),
        ("docs/rules.md", "[x](../manifests/x.yaml)", "[x](https://h/o/r/blob/main/manifests/x.yaml)", "x"),
        ("docs/rules.md", "[h](#here) [w](https://w/x)", "[h](#here) [w](https://w/x)", None),
        ("docs/rules.md", "```\n[x](../x.md)\n```", "```\n[x](../x.md)\n```", None),
    ],
)
def test_links_lead_where_the_site_has_their_pages(source: str, link: str, shown: str, without: str | None) -> None:
    assert pages.with_links(link, source, PLACES, "https://h/o/r") == shown
    assert pages.with_links(link, source, PLACES, None) == (shown if without is None else without)


def test_the_page_of_a_pack_shows_each_rule_and_its_lines() -> None:
    for path in packs.PACKS.glob("*.yaml"):
        pack = yaml.safe_load(path.read_text(encoding="utf-8"))
        page = packs.page(pack)
        for entry in pack["rules"]:
            assert f"\n## {entry['rule']['name']}\n" in page
            assert all(line in page for line in (*entry["matches"], *entry["ignores"]))


def test_a_line_cannot_end_its_fence() -> None:
    rule = {"rule": {"name": "r", "pattern": "x"}, "matches": ["x ```` y"], "ignores": ["```"]}
    assert "`````text\nx ```` y\n`````" in packs.page({"name": "p", "description": "d", "rules": [rule]})


def test_the_fields_of_a_resource() -> None:
    item = {"type": "object", "required": ["k"], "properties": {"k": {"type": "string", "enum": ["a", "b"]}}}
    schema = {
        "properties": {
            "l": {"type": "array", "items": item, "minItems": 1, "description": "All  of\nthem."},
            "m": {"type": "object", "additionalProperties": {"type": "integer", "default": 0}},
        }
    }
    assert list(fields.fields("spec", schema)) == [
        ("spec.l", "list of object", "All of them. (at least 1 item)"),
        ("spec.l[].k", "string", "(required; one of `a`, `b`)"),
        ("spec.m", "map of integer", ""),
    ]


def test_the_picture_of_each_diagram_is_up_to_date() -> None:
    found = list(diagrams.of_all_pages())
    assert found
    for diagram in found:
        picture = (diagrams.PICTURES / diagram.name).read_text(encoding="utf-8")
        assert picture.endswith(diagram.mark), f"run make diagrams: {diagram.name} is of another text"
    assert {path.name for path in diagrams.PICTURES.glob("*-[0-9].svg")} == {diagram.name for diagram in found}


def test_a_page_shows_its_diagrams_as_pictures() -> None:
    text = "# A\n```mermaid\na\n```\nb\n```mermaid\nc\n```\n```sh\nd\n```\n"
    shown = "# A\n![A](pictures/x-1.svg)\nb\n![A](pictures/x-2.svg)\n```sh\nd\n```\n"
    assert diagrams.as_pictures("x", text) == shown


def test_the_plot_has_a_bar_for_each_row_of_the_table() -> None:
    found = plots.rows(plots.TABLE.read_text(encoding="utf-8"))
    assert len(found) > 9
    assert all(row.worst <= row.ratio for row in found)
    drawn = ElementTree.fromstring(plots.draw(found))
    texts = {text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {row.what for row in found} <= texts
