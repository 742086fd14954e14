"""The shell blocks of the documentation: their commands, and the output that a page shows for each. Pure.

- In a `console` block, a line that begins with `$ ` is a command, and what follows is its output.
- A `sh` block is one command, of which no output is shown.
- A block whose first line is a comment with a file name, such as `# rules.yaml`, is that file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w-]+\.(?:yaml|py))\n")
HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
# What differs from run to run: digests and UUIDs, times, and spans such as `12s`.
VOLATILE = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|\b[0-9a-f]{16,}\b"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"
    r"|\b\d+(?:\.\d+)?(?:ms|s|m|h|d)\b(?!\w)"
)


@dataclass(frozen=True)
class Command:
    """A command of a page.

    Attributes:
        text: What to type.
        output: The lines that the page shows below it.
    """

    text: str
    output: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A block of commands."""

    commands: tuple[Command, ...]

    @property
    def first(self) -> str:
        """Return the first command."""
        return self.commands[0].text


@dataclass(frozen=True)
class File:
    """A file that a page asks its reader to write."""

    name: str
    text: str


def parts(page: str) -> Iterator[Block | File]:
    """Yield the blocks of commands and the files of a page, in their order."""
    for language, body in FENCE.findall(page):
        if language == "sh":
            yield Block((Command(body.rstrip("\n")),))
        elif language == "console":
            yield Block(tuple(_commands(body.splitlines())))
        elif named := NAMED.match(body):
            yield File(named[1], body)


def blocks(page: str) -> list[Block]:
    """Return the blocks of commands of a page."""
    return [part for part in parts(page) if isinstance(part, Block)]


def _commands(lines: list[str]) -> Iterator[Command]:
    """Yield the commands of a console.

    Raises:
        ValueError: A line comes before the first command.
    """
    texts: list[tuple[list[str], list[str]]] = []
    for line in lines:
        if texts and _open(texts[-1][0]):
            texts[-1][0].append(line)
        elif line.startswith("$ "):
            texts.append(([line[2:]], []))
        elif texts:
            texts[-1][1].append(line)
        else:
            raise ValueError(f"a console begins with a command, not with {line!r}")
    for text, output in texts:
        yield Command("\n".join(text), tuple(line for line in output if line.strip()))


def _open(command: list[str]) -> bool:
    """Return whether the shell would ask for another line of a command."""
    heredoc = HEREDOC.search(command[0])
    return command[-1] != heredoc[1] if heredoc else command[-1].endswith("\\")


def shows(output: str, expected: tuple[str, ...]) -> bool:
    """Return whether an output has the lines that a page shows, in their order, whatever else it has.

    Spaces may differ, and so may what `VOLATILE` matches; `...` stands for anything.

    Args:
        output: What a command printed.
        expected: The lines of the page.
    """
    lines = iter(output.splitlines())
    return all(any(_pattern(line).fullmatch(found.strip()) for found in lines) for line in expected)


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(".*".join(map(_word, word.split("..."))) for word in _spared(line).split()))


def _spared(line: str) -> str:
    """Return a line with a mark in the place of each volatile part."""
    return VOLATILE.sub("\0", line)


def _word(word: str) -> str:
    return r"[\w.:+-]+(?: [\d:.+]+)?".join(re.escape(part) for part in word.split("\0"))
