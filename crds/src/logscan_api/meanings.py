"""Words of the API that the documentation explains: the tables in docs/ follow from what stands beside each."""

from enum import StrEnum
from typing import Self


class Explained(StrEnum):
    """A word with its meaning.

    Attributes:
        meaning: What the word says, for the documentation.
    """

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:
        """Return a member with its word and its meaning; the default is for type checkers."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member
