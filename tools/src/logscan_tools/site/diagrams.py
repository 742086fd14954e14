"""`python -m logscan_tools.site.diagrams`: the diagrams in the pages as pictures, for the site, which runs no Mermaid.

GitHub draws the text in a page. The picture beside it names the text's digest, so that a test finds one that is out of
date. Mermaid's own program draws it, with the Chromium of this machine (`make diagrams`; needs Node.js).
"""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from logscan_tools.paths import REPOSITORY

DOCS = REPOSITORY / "docs"
PICTURES = DOCS / "pictures"
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MERMAID = "@mermaid-js/mermaid-cli@11.17.0"
# Labels as SVG's text, not HTML: not every viewer of an SVG in a page draws that.
LOOK = {
    "theme": "neutral",
    "htmlLabels": False,
    "flowchart": {"htmlLabels": False},
    # Narrow, so that text can be read in the width of a page.
    "sequence": {"actorMargin": 10, "width": 110, "wrap": True, "messageFontSize": 15},
}


@dataclass(frozen=True)
class Diagram:
    """A diagram in a page.

    Attributes:
        name: File name of its picture.
        title: The heading above it.
        text: Its text, in Mermaid's language.
    """

    name: str
    title: str
    text: str

    @property
    def mark(self) -> str:
        """Return what its picture ends with: the digest of what it was drawn from."""
        drawn = json.dumps([self.text, MERMAID, LOOK])
        return f"<!-- {hashlib.sha256(drawn.encode()).hexdigest()} -->\n"


def of_page(name: str, text: str) -> list[Diagram]:
    """Return the diagrams of a page.

    Args:
        name: The page's name without suffix, such as `architecture`.
        text: The page.
    """
    return [
        Diagram(f"{name}-{number}.svg", HEADING.findall(text, 0, found.start())[-1], found[1])
        for number, found in enumerate(DIAGRAM.finditer(text), 1)
    ]


def of_all_pages() -> Iterator[Diagram]:
    """Yield the diagrams of all pages."""
    for page in sorted(DOCS.glob("*.md")):
        yield from of_page(page.stem, page.read_text(encoding="utf-8"))


def as_pictures(name: str, text: str) -> str:
    """Return a page with a picture in the place of each diagram."""
    shown = (f"![{diagram.title}](pictures/{diagram.name})" for diagram in of_page(name, text))
    return DIAGRAM.sub(lambda _: next(shown), text)


def draw(diagram: Diagram, folder: Path) -> None:
    """Write the picture of a diagram.

    Args:
        diagram: The diagram.
        folder: Where Mermaid's configuration is.

    Raises:
        CalledProcessError: Mermaid refused it.
    """
    source, target = folder / "diagram.mmd", PICTURES / diagram.name
    source.write_text(diagram.text, encoding="utf-8")
    command = ["npx", "--yes", MERMAID, "--quiet", "--input", str(source), "--output", str(target)]
    options = ["--configFile", str(folder / "look.json"), "--puppeteerConfigFile", str(folder / "browser.json")]
    subprocess.run([*command, *options, "--backgroundColor", "white"], check=True)
    target.write_text(target.read_text(encoding="utf-8").rstrip() + "\n" + diagram.mark, encoding="utf-8")


def main() -> None:
    """Draw the diagrams whose pictures are out of date."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        browser = {"executablePath": shutil.which("chromium"), "args": ["--no-sandbox"]}
        (folder / "browser.json").write_text(json.dumps(browser))
        (folder / "look.json").write_text(json.dumps(LOOK))
        for diagram in of_all_pages():
            picture = PICTURES / diagram.name
            if not picture.exists() or not picture.read_text(encoding="utf-8").endswith(diagram.mark):
                draw(diagram, folder)


if __name__ == "__main__":
    main()
