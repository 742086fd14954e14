"""Rules of gitleaks, from its TOML configuration.

https://github.com/gitleaks/gitleaks#configuration

gitleaks reads source code; a rule for the path of a file has no meaning for a line of a log.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

from kubectl_logscan.conversions import Draft
from kubectl_logscan.errors import UsageError


def drafts(text: str) -> Iterator[Draft]:
    """Yield a draft for each rule.

    Args:
        text: The TOML.

    Raises:
        UsageError: It is no configuration of gitleaks.
    """
    try:
        rules = tomllib.loads(text)["rules"]
        for rule in rules:
            yield _draft(rule)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not TOML: {error}: name a gitleaks.toml") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError("no rules with an id: name a gitleaks.toml") from error


def _draft(rule: dict[str, Any]) -> Draft:
    name, regex = str(rule["id"]), rule.get("regex")
    if not regex:
        return Draft(name, lost="it has no regex, only the path of a file")
    if rule.get("required"):
        return Draft(name, lost="it also requires other rules nearby")
    fields: dict[str, Any] = {"pattern": regex, "severity": "critical"}
    excludes, wider = [], []
    for allowed in [*rule.get("allowlists", []), *([rule["allowlist"]] if "allowlist" in rule else [])]:
        # Only what excludes a line by the line itself means the same here.
        others = {"paths", "commits", "stopwords"} & {key for key, value in allowed.items() if value}
        if allowed.get("regexTarget") == "line" and allowed.get("regexes") and not others:
            excludes += allowed["regexes"]
        else:
            wider.append("an allowlist")
    if excludes:
        fields["exclude"] = "|".join(f"(?:{exclude})" for exclude in excludes)
    wider += [f"its {part}" for part in ("entropy", "keywords", "path") if rule.get(part)]
    return Draft(name, fields, wider=", ".join(dict.fromkeys(wider)))
