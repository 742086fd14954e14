"""Sigma rules that search for keywords, as in https://sigmahq.io/sigma-specification/: those without fields.

Keywords mean "somewhere in the event", in either case, with `*` and `?` as wildcards. A rule that names fields of a
product's events is left out: which fields a log has depends on who wrote it.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from kubectl_logscan.conversions import Draft
from kubectl_logscan.errors import UsageError

SEVERITIES = {"informational": "info", "low": "info", "medium": "warning", "high": "error", "critical": "critical"}
_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_WILDCARD = re.compile(r"\\([*?\\])|(\*)|(\?)|([^*?\\]+|\\)")


class _LostError(Exception):
    """A rule cannot be converted; the message says why."""


def drafts(text: str) -> Iterator[Draft]:
    """Yield a draft for each rule.

    Args:
        text: YAML of one or more rules.

    Raises:
        UsageError: It is no Sigma rule.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise UsageError(f"not YAML: {' '.join(str(error).split())}: name a Sigma rule") from error
    for rule in documents:
        if not isinstance(rule, dict) or not isinstance(rule.get("detection"), dict):
            raise UsageError("no `detection`: name a Sigma rule")
        yield _draft(rule)


def _draft(rule: dict[str, Any]) -> Draft:
    name = str(rule.get("title") or rule.get("id") or "sigma")
    try:
        pattern, exclude = _Condition(rule["detection"]).parts()
    except _LostError as lost:
        return Draft(name, lost=str(lost))
    severity = SEVERITIES.get(str(rule.get("level")), "warning")
    fields = {"pattern": pattern, "ignoreCase": True, "severity": severity}
    return Draft(name, {**fields, **({"exclude": exclude} if exclude else {})})


class _Condition:
    """Reads a condition: a positive part, of which each line is wanted, and what excludes lines after `and not`."""

    def __init__(self, detection: dict[str, Any]) -> None:
        self._detection = {name: part for name, part in detection.items() if name not in ("condition", "timeframe")}
        condition = detection.get("condition")
        if isinstance(condition, list) or not isinstance(condition, str):
            raise _LostError("it has not exactly one condition")
        if "|" in condition or "timeframe" in detection:
            raise _LostError("it counts events in a time, which needs more than a line")
        self._tokens = _TOKEN.findall(condition)

    def parts(self) -> tuple[str, str | None]:
        """Return the pattern, and what excludes a line."""
        pattern, excludes = self._all(), []
        while self._next() == "and":  # of a `not`: all others are taken
            self._tokens = self._tokens[2:]
            excludes.append(self._one())
        if not excludes and self._next() == "or":
            pattern = _any_of([pattern, *self._others()])
        if self._tokens:
            raise _LostError("its condition is not `wanted`, or `wanted and not unwanted`")
        return pattern, _any_of(excludes) if excludes else None

    def _either(self) -> str:
        return _any_of([self._all(), *self._others()])

    def _others(self) -> Iterator[str]:
        while self._taken("or"):
            yield self._all()

    def _all(self) -> str:
        found = [self._one()]
        while self._next() == "and" and self._tokens[1:2] != ["not"]:
            self._taken("and")
            found.append(self._one())
        return _all_of(found)

    def _one(self) -> str:
        word = self._tokens.pop(0) if self._tokens else ""
        if word.lower() == "not":
            raise _LostError("`not` stands elsewhere than in one `and not` at the end")
        if word == "(":
            found = self._either()
            if not self._taken(")"):
                raise _LostError("its parentheses are not a plain `and` or `or`")
            return found
        if word.lower() in ("1", "any", "all") and self._taken("of"):
            names = self._named(self._tokens.pop(0) if self._tokens else "")
            return (_all_of if word.lower() == "all" else _any_of)([self._selection(name) for name in names])
        return self._selection(word)

    def _named(self, glob: str) -> list[str]:
        start = "" if glob == "them" else glob.removesuffix("*")
        exact = glob != "them" and not glob.endswith("*")
        found = [n for n in self._detection if (n == start if exact else n.startswith(start) and not n.startswith("_"))]
        if not found:
            raise _LostError(f"its condition names `{glob}`, which it does not have")
        return found

    def _selection(self, name: str) -> str:
        if name not in self._detection:
            raise _LostError(f"its condition names `{name}`, which it does not have")
        part = self._detection[name]
        if isinstance(part, dict):
            keys = list(part)
            if keys == ["|all"] and isinstance(part["|all"], list):
                return _all_of([_keyword(value) for value in part["|all"]])
            raise _LostError(f"it looks at fields ({', '.join(map(str, keys))}), not at keywords")
        return _any_of([_keyword(value) for value in (part if isinstance(part, list) else [part])])

    def _next(self) -> str:
        return self._tokens[0].lower() if self._tokens else ""

    def _taken(self, word: str) -> bool:
        """Take the next token if it is this one, and return whether it was."""
        if self._next() != word:
            return False
        self._tokens.pop(0)
        return True


def _keyword(value: Any) -> str:
    if isinstance(value, dict):
        raise _LostError(f"it looks at fields ({', '.join(map(str, value))}), not at keywords")
    made = []
    for literal, many, one, text in _WILDCARD.findall(str(value)):
        made.append(".*" if many else "." if one else re.escape(literal or text))
    return "".join(made).replace("\\ ", " ").removeprefix(".*").removesuffix(".*") or "."


def _any_of(found: list[str]) -> str:
    return found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"


def _all_of(found: list[str]) -> str:
    return found[0] if len(found) == 1 else "^" + "".join(f"(?=.*{part})" for part in found)
