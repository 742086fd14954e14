"""The commands of the documentation do on the embedded stack what their pages show."""

import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from clouds import EXTERNAL
from shellblocks import Block, Command, File, blocks, parts, shows
from shellsessions import Session, session

from logscan_local.stack.stacks import Stack
from logscan_local.testkit.fixtures import wanted_runtime
from logscan_local.testkit.waiting import eventually
from logscan_tools.paths import REPOSITORY
from logscan_tools.site.pages import sources

# Of packages and examples, beside the pages of the site.
READMES = [*REPOSITORY.glob("*/README.md"), *REPOSITORY.glob("terraform/*/*/README.md")]
NAMES = sorted({*sources(), *(path.relative_to(REPOSITORY).as_posix() for path in READMES)})
PAGES = {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in NAMES}
LISTED = tomllib.loads((REPOSITORY / "docs" / "shell-blocks.toml").read_text(encoding="utf-8"))["not_run"]
NOT_RUN = [(page, first) for group in LISTED for page, them in group.items() if page != "why" for first in them]


def runs(page: str, block: Block) -> bool:
    """Return whether a block of a page is to be run."""
    return not any(page == listed and block.first.startswith(begin) for listed, begin in NOT_RUN)


# Pages that stop the stack come last.
RUN = sorted(
    (name for name, text in PAGES.items() if any(runs(name, block) for block in blocks(text))),
    key=lambda name: "make down" in PAGES[name],
)
# What a reader repeats until it shows what they wait for.
READS = re.compile(r"kubectl (get|logscan (list|results|history|why|doctor)) |cat \S+$")
COMMAND_SECONDS = 600  # the demo builds what is missing
READ_SECONDS = 120


def test_each_block_that_is_listed_is_in_its_page_and_has_a_reason() -> None:
    for page, begin in NOT_RUN:
        assert [block.first for block in blocks(PAGES[page]) if block.first.startswith(begin)], (page, begin)
    assert all(len(group["why"]) > 10 for group in LISTED)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Yield a stack of these tests' own, which pages may stop."""
    made = Stack(f"test-docs-{os.getpid()}", lambda line: None, wanted_runtime())
    try:
        yield made
    finally:
        made.down()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with everything of the repository, in which pages may write files."""
    for path in REPOSITORY.iterdir():
        if path.name != ".git":
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.stack
@pytest.mark.skipif(EXTERNAL, reason="starts and stops the embedded stack")
@pytest.mark.parametrize("name", RUN)
def test_the_commands_of_a_page_do_what_it_shows(name: str, stack: Stack, clone: Path) -> None:
    if shutil.which("aws") is None:
        if os.environ.get("CI"):
            pytest.fail("the AWS CLI is not installed (Debian: apt-get install awscli)")
        pytest.skip("the AWS CLI is not installed (Debian: apt-get install awscli)")
    stack.up()
    program = stack.kubectl().program
    (clone / "kubectl-folder").mkdir()
    (clone / "kubectl-folder" / "kubectl").symlink_to(shutil.which(program) or program)
    path = f"{clone / 'kubectl-folder'}:{clone / '.venv' / 'bin'}:{os.environ['PATH']}"
    variables = {**stack.environment(), "STACK": stack.paths.name, "PATH": path, "COLUMNS": "200"}
    with session(clone, variables) as shell:
        for part in parts(PAGES[name]):
            if isinstance(part, File):
                (clone / part.name).write_text(part.text)
            elif runs(name, part):
                run(shell, part)


def run(shell: Session, block: Block) -> None:
    """Run the commands of a block; one may fail only if the next one asks for its status."""
    following = [command.text for command in block.commands[1:]] + [""]
    for command, after in zip(block.commands, following, strict=True):
        ask = partial(problem, shell, command, may_fail=after == "echo $?")
        if READS.match(command.text):
            eventually(partial(none, ask), READ_SECONDS, ask)
        else:
            found = ask()
            assert not found, found


def none(ask: Callable[[], str]) -> bool:
    """Return whether there is no problem."""
    return not ask()


def problem(shell: Session, command: Command, may_fail: bool) -> str:
    """Run a command, and return what differs from its page."""
    status, printed = shell.run(command.text, COMMAND_SECONDS)
    if (status == 0 or may_fail) and shows(printed, command.output):
        return ""
    shown = "\n".join(command.output)
    return f"{command.text}\nended with {status} and printed:\n{printed}\nbut the page shows:\n{shown}"
