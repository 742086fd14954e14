"""Each recipe of the cookbook does what its own lines say, and is an item of a LogScanRuleSet."""

import re
from typing import Any

import pytest
import yaml

from kubectl_logscan.rulefiles import check
from logscan_api.rules import Rule
from logscan_api.rulesets import LogScanRuleSetSpec
from logscan_scanner import ruletests
from logscan_tools.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "cookbook.md").read_text(encoding="utf-8")
RECIPES = [item for fence in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S) for item in yaml.safe_load(fence)]
LINES = ("matches", "ignores")


def test_each_recipe_is_there_once() -> None:
    assert len({recipe["name"] for recipe in RECIPES}) == len(RECIPES) == PAGE.count("```yaml")
    assert len(RECIPES) >= 20


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: str(recipe["name"]))
def test_a_recipe_keeps_its_promise(recipe: dict[str, Any]) -> None:
    LogScanRuleSetSpec.model_validate({"rules": [recipe]})
    rule = {name: value for name, value in recipe.items() if name not in LINES}
    found = check([ruletests.Tested(Rule.model_validate(rule), **{name: recipe[name] for name in LINES})])
    cases = list(found)
    assert len(cases) == len(recipe["matches"]) + len(recipe["ignores"]) >= 2
    assert [case for case in cases if case.failure] == []
