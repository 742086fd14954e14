"""The repository's pages as pages of the site.

In the repository pages link to each other and to files by relative paths, which GitHub follows. The site has the pages
in other places, and no files: links to those lead to the repository, or are plain text if its address is not known.
"""

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from logscan_tools.paths import REPOSITORY
from logscan_tools.site.diagrams import as_pictures

DOCS = "docs/"
# Pages beside the folder `docs`, and where the site has them.
BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "reporting.md",
    "benchmarks/README.md": "benchmarks.md",
    "terraform/README.md": "terraform.md",
    "manifests/chart/README.md": "chart.md",
}
FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")


def sources() -> dict[str, str]:
    """Return the pages by their paths in the repository, with their paths in the site."""
    folder = REPOSITORY / DOCS
    docs = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.md")))
    return {f"{DOCS}{path}": path for path in docs} | BESIDE


def write_pages(target: Path, repository: str | None) -> None:
    """Write all pages and pictures into a folder.

    Args:
        target: The folder.
        repository: The repository's address for people, such as `https://github.com/owner/logscan`.
    """
    places = sources()
    for source, place in places.items():
        text = as_pictures(PurePosixPath(place).stem, (REPOSITORY / source).read_text(encoding="utf-8"))
        _write(target / place, with_links(text, source, places, repository).encode())
    for picture in sorted((REPOSITORY / DOCS / "pictures").iterdir()):
        _write(target / "pictures" / picture.name, picture.read_bytes())


def with_links(text: str, source: str, places: dict[str, str], repository: str | None) -> str:
    """Return a page with links as the site needs them; what is in fences stays.

    Args:
        text: The page.
        source: Its path in the repository.
        places: The pages of the site by their paths in the repository.
        repository: As for `write_pages`.
    """

    def moved(link: re.Match[str]) -> str:
        path, mark, anchor = link["target"].partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return link[0]
        there = normpath(PurePosixPath(source).parent / path)
        place = places.get(there) or (there.removeprefix(DOCS) if there.startswith(f"{DOCS}pictures/") else None)
        if place is not None:
            shown = relpath(place, PurePosixPath(places[source]).parent)
            return f"{link['image']}[{link['text']}]({shown}{mark}{anchor})"
        return f"[{link['text']}]({repository}/blob/main/{there})" if repository else link["text"]

    return _outside_fences(text, lambda part: LINK.sub(moved, part))


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(text[at:])])


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
