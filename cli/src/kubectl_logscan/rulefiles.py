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
from logscan_api.rules import Rule
from logscan_scanner import ruletests
from logscan_scanner.errors import ScanError
from logscan_scanner.ruletests import Tested


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


def read_rules(path: Path) -> list[Tested]:
    """Return the rules in a file, which holds LogScanRuleSets or has the form of a shipped pack.

    Raises:
        NotFoundError: It does not exist or cannot be read.
        UsageError: It is not YAML, or not such a file; the message names the field.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        if any(isinstance(document, dict) and "kind" in document for document in documents):
            return ruletests.load(str(path))
        rules = RuleFile.model_validate(documents[0] if documents else None).rules
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error
    except ScanError as error:
        raise UsageError(str(error)) from error
    except ValidationError as error:
        raise UsageError(f"{path}: {explain(error, RuleFile)}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return [Tested(found.rule, found.matches, found.ignores) for found in rules]


def check(rules: list[Tested]) -> Iterator[Case]:
    """Yield a case for each line of each rule."""
    for tested in rules:
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
