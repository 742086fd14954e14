"""The rule packs that ship with logscan, one YAML file each under `packs/`."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import yaml
from pydantic import Field

from logscan_api.errors import UnknownPackError, UnknownRuleSetError
from logscan_api.models import Model
from logscan_api.rules import Rule, RuleSelection


class PackRule(Model):
    """A rule of a pack, with lines that prove what it does."""

    rule: Rule
    matches: list[str] = Field(min_length=1)
    ignores: list[str] = Field(min_length=1)


class Pack(Model):
    """A named list of rules for one kind of log."""

    name: str
    description: str
    sources: list[str] = Field(default=[], description="Where the programs document what they write.")
    rules: list[PackRule] = Field(min_length=1)


def pack_names() -> list[str]:
    """Return the names of all shipped packs, sorted."""
    folder = files("logscan_api") / "packs"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


@cache
def load_pack(name: str) -> Pack:
    """Return one shipped pack.

    Raises:
        UnknownPackError: No pack has that name; the message lists all packs.
    """
    if name not in pack_names():
        raise UnknownPackError(f"unknown rule pack {name!r}: choose from {', '.join(pack_names())}")
    text = (files("logscan_api") / "packs" / f"{name}.yaml").read_text(encoding="utf-8")
    return Pack.model_validate(yaml.safe_load(text))


def resolve_rules(selection: RuleSelection, rule_sets: Mapping[str, Sequence[Rule]] | None = None) -> list[Rule]:
    """Return the rules of a selection: packs, rule sets, own ones; a later rule replaces one of the same name.

    Args:
        selection: The names of packs and rule sets, and rules.
        rule_sets: The rules of the known rule sets, by the name of the set.

    Raises:
        UnknownPackError: A pack does not exist.
        UnknownRuleSetError: A rule set is not known.
    """
    rules: dict[str, Rule] = {}
    for name in selection.packs or []:
        rules.update({r.rule.name: r.rule for r in load_pack(name).rules})
    for name in selection.rule_sets or []:
        if rule_sets is None or name not in rule_sets:
            raise UnknownRuleSetError(f"the LogScanRuleSet {name!r} is not known")
        rules.update({rule.name: rule for rule in rule_sets[name]})
    rules.update({rule.name: rule for rule in selection.inline or []})
    return list(rules.values())
