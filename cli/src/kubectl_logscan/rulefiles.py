"""Files of rules with lines that prove what each one does, and the check that it does that."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

import logscan_engine as engine
from kubectl_logscan.errors import NotFoundError, UsageError
from logscan_api.explanations import explain
from logscan_api.models import Model
from logscan_api.packs import Pack
from logscan_api.rules import Rule


class TestedRule(Model):
    """A rule with the lines that it must match and those that it must not."""

    __test__ = False  # pytest would take it for a test

    rule: Rule
    matches: list[str] = Field(min_length=1, description="Lines that the rule must match.")
    ignores: list[str] = Field(default=[], description="Lines that it must not match.")


class RuleFile(Model):
    """The file of `rules test`: the same form as a shipped rule pack."""

    name: str | None = None
    description: str | None = None
    sources: list[str] = Field(default=[])
    rules: list[TestedRule] = Field(min_length=1)


@dataclass(frozen=True)
class Case:
    """One line on which a rule was tried.

    Attributes:
        rule: Name of the rule.
        text: The line; empty if the rule cannot be compiled.
        expected: Whether the rule must match it.
        failure: What is wrong, or None.
    """

    rule: str
    text: str
    expected: bool
    failure: str | None


def read_rules(path: Path) -> RuleFile:
    """Return the rules in a file.

    Raises:
        NotFoundError: It does not exist or cannot be read.
        UsageError: It is not YAML, or not such a file; the message names the field.
    """
    try:
        return RuleFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {explain(error, RuleFile)}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error


def as_rule_file(pack: Pack) -> RuleFile:
    """Return a shipped pack in the form of a file."""
    return RuleFile.model_validate(pack.model_dump(by_alias=True))


def check(rules: RuleFile) -> Iterator[Case]:
    """Yield a case for each line of each rule."""
    for tested in rules.rules:
        name = tested.rule.name
        try:
            compiled = engine.RuleSet([engine.Rule(**tested.rule.for_engine())])
        except engine.InvalidRuleError as error:
            yield Case(name, "", True, str(error))
            continue
        for text, expected in [*((t, True) for t in tested.matches), *((t, False) for t in tested.ignores)]:
            matched = engine.count(compiled, text.encode("utf-8", "surrogatepass")).by_rule[0] > 0
            wrong = "does not match, but must" if expected else "matches, but must not"
            yield Case(name, text, expected, None if matched is expected else wrong)
