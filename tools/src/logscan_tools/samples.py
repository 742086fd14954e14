"""Texts that an expression matches, made from its syntax tree.

They repeat the first character of each class, so that what is made of the expression of a secret looks like no real one
to the scanners of other people.
"""

import re
from collections.abc import Iterable
from re import _constants as words
from re import _parser as parser
from typing import Any

INNER_FLAGS = re.compile(r"(?<!^)\(\?i\)")


def sample(pattern: str) -> str:
    """Return a text that an expression matches: the shortest of its first alternative.

    Args:
        pattern: The expression, in the syntax that Go, Rust, PCRE2 and Python share, but for flags in its middle and
            `[[:alnum:]]`, which Python does not know.
    """
    # The text has the letters of the expression, so it does not matter whether their case does.
    text = INNER_FLAGS.sub("", pattern).replace("(?-i:", "(?:").replace("[[:alnum:]]", "[A-Za-z0-9]")
    return "".join(_texts(parser.parse(text)))


def _texts(tree: Iterable[tuple[Any, Any]]) -> Iterable[str]:
    for kind, value in tree:
        if kind is words.LITERAL:
            yield chr(value)
        elif kind is words.ANY:
            yield "."
        elif kind is words.IN:
            yield _member(value[0])
        elif kind in (words.MAX_REPEAT, words.MIN_REPEAT):
            least, _, inner = value
            yield "".join(_texts(inner)) * least
        elif kind is words.SUBPATTERN:
            yield from _texts(value[3])
        elif kind is words.BRANCH:
            yield from _texts(value[1][0])
        elif kind is not words.AT:
            raise ValueError(f"no text for {kind}")


def _member(member: tuple[Any, Any]) -> str:
    """Return a character of a part of a class."""
    kind, value = member
    if kind is words.CATEGORY:
        return {words.CATEGORY_WORD: "a", words.CATEGORY_DIGIT: "0"}[value]
    return chr(value if kind is words.LITERAL else value[0])
