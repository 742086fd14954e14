"""`python -m logscan_tools.site [--source URL]`: build the site into `dist/site`; a warning is an error."""

import argparse
import shutil
import subprocess
from pathlib import Path

from logscan_tools.paths import REPOSITORY
from logscan_tools.site.fields import write_resources
from logscan_tools.site.packs import write_packs
from logscan_tools.site.pages import write_pages

CONFIG = REPOSITORY / "docs" / "site.toml"
BUILD = REPOSITORY / "dist" / "docs"
ZENSICAL = REPOSITORY / ".venv-docs" / "bin" / "zensical"


def write(folder: Path, source: str | None) -> None:
    """Write the site's pages, and its configuration beside them, into an empty folder."""
    pages = folder / "pages"
    write_pages(pages, source)
    write_packs(pages / "packs")
    write_resources(pages / "api")
    config = CONFIG.read_text(encoding="utf-8")
    if source:
        config = config.replace("[project]\n", f'[project]\nrepo_url = "{source}"\n', 1)
    (folder / "zensical.toml").write_text(config, encoding="utf-8")


def build(folder: Path, program: Path = ZENSICAL) -> None:
    """Build the site of a folder into `site` in it.

    Raises:
        subprocess.CalledProcessError: A page has a link that leads nowhere.
    """
    subprocess.run([program, "build", "--strict", "--clean"], cwd=folder, check=True)


def main() -> int:
    """Build the site and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m logscan_tools.site", description=__doc__)
    parser.add_argument("--source", help="address of the repository, such as https://github.com/o/logscan")
    arguments = parser.parse_args()
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    write(BUILD, arguments.source or None)
    try:
        build(BUILD)
    except subprocess.CalledProcessError:
        return 1
    print(f"{(BUILD / 'site' / 'index.html').relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
