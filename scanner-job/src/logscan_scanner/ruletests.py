"""`rules test`: the tests of a pack or rule set, without a cluster, and what its rules find in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

import logscan_engine as engine
from logscan_api import API_VERSION
from logscan_api.exitcodes import ExitCode
from logscan_api.explanations import explain
from logscan_api.packs import Pack, load_pack, pack_names
from logscan_api.rules import Rule
from logscan_api.rulesets import LogScanRuleSetSpec
from logscan_engine.linetests import failures
from logscan_scanner.errors import ScanError
from logscan_scanner.localfile import YAML_LOADER

KIND = "LogScanRuleSet"
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Tested:
    """A rule with the lines that test it."""

    rule: Rule
    matches: list[str]
    ignores: list[str]


def load(source: str) -> list[Tested]:
    """Return the rules of a shipped pack, or of a file with a pack or with LogScanRuleSets.

    Args:
        source: The name of the pack, or the path of the file.

    Raises:
        ScanError: The file cannot be read or holds neither; the message names the field.
    """
    if source in pack_names():
        return list(_of_pack(load_pack(source)))
    try:
        text = Path(source).read_text(encoding="utf-8")
        documents = [found for found in yaml.load_all(text, YAML_LOADER) if isinstance(found, dict)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScanError(f"{source}: {error}", ExitCode.BAD_REQUEST) from error
    sets = [found for found in documents if found.get("kind") == KIND]
    if sets:
        return [tested for document in sets for tested in _of_set(source, document)]
    packs = [found for found in documents if "kind" not in found]
    if not packs:
        message = f"{source}: no {KIND} ({API_VERSION}) and no pack; shipped packs are {', '.join(pack_names())}"
        raise ScanError(message, ExitCode.BAD_REQUEST)
    return [tested for document in packs for tested in _of_pack(_valid(source, Pack, document, ""))]


def failed(tests: list[Tested]) -> list[str]:
    """Return a sentence for each test that fails.

    Raises:
        ScanError: A rule does not compile.
    """
    try:
        return [
            sentence
            for found in tests
            for sentence in failures(engine.Rule(**found.rule.for_engine()), found.matches, found.ignores)
        ]
    except engine.InvalidRuleError as error:
        raise ScanError(str(error), ExitCode.INVALID_RULE) from error


def _of_pack(pack: Pack) -> Iterator[Tested]:
    return (Tested(found.rule, found.matches, found.ignores) for found in pack.rules)


def _of_set(source: str, document: dict[str, Any]) -> Iterator[Tested]:
    spec = _valid(source, LogScanRuleSetSpec, document.get("spec"), "spec")
    return (Tested(found.rule, found.matches or [], found.ignores or []) for found in spec.rules)


def _valid(source: str, model: type[M], document: object, root: str) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ScanError(f"{source}: {explain(error, model, root)}", ExitCode.BAD_REQUEST) from error
