"""Rules of other tools as a LogScanRuleSet: what is kept, what is left out, and what matches more than it did there."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

import logscan_engine as engine
from logscan_api import API_VERSION
from logscan_api.explanations import explain
from logscan_api.rules import INLINE_BYTES, Rule, size_of
from logscan_api.rulesets import MOST_RULES

NAME_LENGTH = 63


@dataclass(frozen=True)
class Draft:
    """A rule of another tool, as far as it could be translated.

    Attributes:
        name: Its name there.
        fields: The fields of our rule besides its name; empty if there is no such rule.
        lost: Why there is none.
        wider: What of it is not checked here, so that our rule may match more.
    """

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    lost: str = ""
    wider: str = ""


@dataclass(frozen=True)
class Conversion:
    """The rules that were made, and what is to be said about them.

    Attributes:
        rules: The rules.
        left_out: Names of those that could not be converted, and why.
        wider: Names of those that match more than they did, and why.
    """

    rules: list[Rule]
    left_out: list[tuple[str, str]]
    wider: list[tuple[str, str]]


def convert(drafts: Iterable[Draft]) -> Conversion:
    """Return the rules that our API accepts and our engine compiles."""
    made = Conversion([], [], [])
    names: set[str] = set()
    for draft in drafts:
        if draft.lost:
            made.left_out.append((draft.name, draft.lost))
            continue
        name = _free(slug(draft.name), names)
        try:
            rule = Rule.model_validate({"name": name, **draft.fields})
            engine.RuleSet([engine.Rule(**rule.for_engine())])
        except ValidationError as error:
            made.left_out.append((draft.name, explain(error, Rule)))
            continue
        except engine.InvalidRuleError as error:
            made.left_out.append((draft.name, " ".join(str(error).split())))
            continue
        names.add(name)
        made.rules.append(rule)
        if draft.wider:
            made.wider.append((draft.name, draft.wider))
    return made


def slug(text: str) -> str:
    """Return a text as the name of a rule: lowercase letters, digits and single `-`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_LENGTH].strip("-") or "rule"


def documents(name: str, description: str, rules: list[Rule]) -> str:
    """Return rules as YAML of as many LogScanRuleSets as they need.

    Args:
        name: The name of the first set; further ones get a number.
        description: What the rules are for.
        rules: The rules.
    """
    sets = list(_sets(rules))
    texts = []
    for number, part in enumerate(sets, 1):
        called = name if number == 1 else f"{name}-{number}"
        spec = {"description": description, "rules": [rule.wire() for rule in part]}
        head = {"apiVersion": API_VERSION, "kind": "LogScanRuleSet", "metadata": {"name": called}}
        texts.append(yaml.safe_dump({**head, "spec": spec}, sort_keys=False, allow_unicode=False, width=10**6))
    return "---\n".join(texts)


def _sets(rules: list[Rule]) -> Iterator[list[Rule]]:
    part: list[Rule] = []
    for rule in rules:
        if part and (len(part) == MOST_RULES or size_of([*part, rule]) > INLINE_BYTES):
            yield part
            part = []
        part.append(rule)
    if part:
        yield part


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name[: NAME_LENGTH - 4].rstrip('-')}-{number}"
    return found
