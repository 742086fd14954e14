"""Random expressions of PCRE's syntax, made so that many of them match some of the lines they are made for.

Half are made of a part of a line, of which pieces are replaced by what matches them; the others are random. Some are no
expressions at all, and many use what few people know: an engine may refuse those, but not read them differently.
"""

import random
from collections.abc import Callable, Sequence

from oracle.cutting import literal

LONGEST = 400  # characters
DEPTH = 3

ANCHORS = ["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z", r"\G", "(?m)^", "(?m:$)", "(?m)(?:^|x)"]
CLASS_ESCAPES = [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", ".", r"\h", r"\H", r"\v", r"\V", r"\N", r"\R"]
IN_CLASS = [
    *("a-z", "A-Z", "0-9", "a-f", "_", ",", ":", ".", "-", "^", "[", "]", "&&", "--", "~~", "||", "'", '"', "{", "}"),
    *("(", ")", "|", "*", "$", "#", " ", "~", "é", "!-/", "+--", "%-&", "A-z", "[a", "a-d", "\\]", r"\-", r"\[", r"\\"),
    *(r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\h", r"\v", r"\t", r"\x41-\x5a", r"\x00-\x1f", r"\x80-\xff", r"\b"),
    *("[:alpha:]", "[:^digit:]", "[:space:]", "[:punct:]", "[:upper:]", "[:word:]", "[:xdigit:]", "[:cntrl:]"),
    *("[:print:]", "[:blank:]", "[:graph:]", "[:lower:]", "[:alnum:]", "[:ascii:]", "[:^space:]", "[:digit:]"),
    *(
        r"\Q]^\E",
        r"\Q-\E",
        r"\e",
        r"\x{41}",
        r"\101",
        r"\cA",
        r"\p{Lu}",
        r"\N",
        r"\R",
        r"\E",
        r"\a-\r",
        r"\d-z",
        "a-\\d",
    ),
]
ODD_ATOMS = [
    *(r"\<", r"\>", r"\'", r"\`", r"\_", r"\"", r"\@", r"\ ", r"\#", r"\/", r"\-", r"\é", "{", "}", "]", "{,3}", "{a}"),
    *(r"\x41", r"\x{65}", r"\x4", r"\x", r"\o{101}", r"\101", r"\0", r"\08", r"\cA", r"\e", r"\a", r"\f", r"\r", r"\t"),
    *(
        r"\p{L}",
        r"\pL",
        r"\P{Lu}",
        r"\p{^Lu}",
        r"\X",
        r"\C",
        r"\K",
        r"\u0041",
        r"\U",
        r"\l",
        r"\L",
        r"\y",
        r"\i",
        r"\j",
    ),
    *("(?#c)", "(?#a(b)", "(*FAIL)", "(*ACCEPT)", "(*COMMIT)", "(*PRUNE)", "(*SKIP)", "(*THEN)", "(*F)", "(*MARK:x)"),
    *(
        r"\Qa.b\E",
        r"\Q(\E",
        r"\Q\E",
        r"\E",
        r"\Q[",
        r"\1",
        r"\2",
        r"\9",
        r"\10",
        r"\g1",
        r"\g{1}",
        r"\g{-1}",
        r"\g{+1}",
    ),
    *(r"\k<n>", r"\k{n}", r"\k'n'", "(?P=n)", "(?1)", "(?R)", "(?0)", "(?-1)", "(?+1)", "(?&n)", "(?P>n)", r"\g<1>"),
    *("(?i)", "(?-i)", "(?s)", "(?x)", "(?xx)", "(?U)", "(?J)", "(?n)", "(?^)", "(?im-s)", "(?)", "(?a)", "()", "(|)"),
    *(
        "(?(1)a|b)",
        "(?(?=e)e|o)",
        "(?(<n>)a)",
        "(?(DEFINE)(?<d>e))",
        "(?|(a)|(e))",
        "(?|e|o)",
        "(?C1)",
        "[]",
        "[^]",
        "[a",
    ),
    *("[[.a.]]", "[[=a=]]", "[[:alpha:]", "[[:nope:]]", "[:alpha:]", "[z-a]", "(", ")", "(?", "(?<", "(?<n", "\\"),
    *("(?<n>e)", "(?P<n>o)", "(?'n'r)", "(?<1>e)", "a{2}{3}", "x**", "^*", "$+", r"\b+", "(?=e)*", "(?:)+", "{2,3}"),
]
GROUPS: list[tuple[str, str]] = [
    *(
        ("(", ")"),
        ("(?:", ")"),
        ("(?:", ")"),
        ("(?:", ")"),
        ("(?i:", ")"),
        ("(?-i:", ")"),
        ("(?s:", ")"),
        ("(?s-i:", ")"),
    ),
    *(("(?x: ", " )"), ("(?x:", "  )"), ("(?>", ")"), ("(?<n>", ")"), ("(?P<n>", ")"), ("(?|", ")")),
    *(("(?=", ")"), ("(?!", ")"), ("(?<=", ")"), ("(?<!", ")"), ("(?=.*", ")"), ("^(?!.*", ")"), ("(?^:", ")")),
]
COUNTS = [
    "*",
    "+",
    "?",
    "{2}",
    "{1,3}",
    "{0,2}",
    "{2,}",
    "{0}",
    "{0,}",
    "{1}",
    "{3}",
    "{0,40}",
    "{,2}",
    "{ 1,2 }",
    "{2,1}",
]


class Expressions:
    """Makes expressions for some lines; the same seed makes the same."""

    def __init__(self, lines: Sequence[bytes], seed: int | str) -> None:
        self.chance = random.Random(seed)
        self._texts = list(filter(None, (line.decode("ascii", "ignore") for line in lines)))

    def make(self) -> str:
        """Return an expression."""
        made = self._of_a_line() if self.chance.random() < 0.5 else self._alternatives(DEPTH)
        if self.chance.random() < 0.2:
            made = f"(?i){made}"
        return made[:LONGEST].replace("\0", "") or "e"

    def _piece(self, longest: int) -> str:
        text = self.chance.choice(self._texts)
        start = self.chance.randrange(len(text))
        return text[start : start + self.chance.randrange(1, longest)]

    def _of_a_line(self) -> str:
        """Return a part of a line in which pieces are replaced by what matches them, and some by what may not."""
        text, parts, at = self._piece(60), [], 0
        while at < len(text):
            piece = text[at : at + self.chance.randrange(1, 9)]
            at += len(piece)
            parts.append(self._instead_of(piece))
        if self.chance.random() < 0.3:
            parts.insert(self.chance.randrange(len(parts) + 1), self._alternatives(1))
        return "".join(parts)

    def _instead_of(self, piece: str) -> str:
        chance = self.chance
        ways: list[Callable[[], str]] = [
            lambda: literal(piece),
            lambda: literal(piece),
            lambda: literal(piece),
            lambda: f".{chance.choice(['*', '*?', '+', f'{{{len(piece)}}}', f'{{0,{len(piece) + 3}}}'])}",
            lambda: "".join(_like(character) for character in piece),
            lambda: f"(?:{literal(piece)}|{literal(self._piece(6))})",
            lambda: f"({literal(piece)})",
            lambda: f"[^{literal(self._piece(2))}]{chance.choice(['*', '+', f'{{{len(piece)}}}'])}",
            lambda: f"{literal(piece[:-1])}{self._class()}{chance.choice(COUNTS)}",
            lambda: f"{literal(piece)}{self._count()}",
            lambda: f"{literal(piece)}{chance.choice(ANCHORS)}",
            lambda: f"(?={literal(piece)}).{{{len(piece)}}}",
            lambda: f"{literal(piece.swapcase())}" if chance.random() < 0.5 else f"(?i:{literal(piece.swapcase())})",
        ]
        return chance.choice(ways)()

    def _alternatives(self, depth: int) -> str:
        return "|".join(self._sequence(depth) for _ in range(self.chance.choice([1, 1, 1, 2, 3])))

    def _sequence(self, depth: int) -> str:
        return "".join(self._atom(depth) + self._count() for _ in range(self.chance.choice([0, 1, 1, 2, 2, 3, 4])))

    def _atom(self, depth: int) -> str:
        chance = self.chance
        kind = chance.random()
        if kind < 0.45:
            return literal(self._piece(6))
        if kind < 0.57:
            return chance.choice(CLASS_ESCAPES)
        if kind < 0.70:
            return self._class()
        if kind < 0.76:
            return chance.choice(ANCHORS)
        if kind < 0.92 and depth:
            opening, closing = chance.choice(GROUPS)
            return opening + self._alternatives(depth - 1) + closing
        return chance.choice(ODD_ATOMS) if chance.random() < 0.6 else literal(self._piece(3))

    def _class(self) -> str:
        items = "".join(self.chance.choice(IN_CLASS) for _ in range(self.chance.choice([1, 1, 2, 2, 3, 4])))
        return self.chance.choice(["[", "[", "[^", "[]", "[^]"]) + items + "]"

    def _count(self) -> str:
        if self.chance.random() < 0.72:
            return ""
        return self.chance.choice(COUNTS) + self.chance.choice(["", "", "", "?", "+"])


def _like(character: str) -> str:
    if character.isdigit():
        return r"\d"
    if character.isalpha():
        return r"\w" if character.islower() else "[A-Z]"
    return r"\s" if character.isspace() else r"\W"
