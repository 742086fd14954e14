"""`python -m logscan_tools.secrets [--check]`: the tokens of well-known services, from the rules of gitleaks.

The same expressions find secrets in logs (the pack `secrets`) and mask them in samples (the engine's `tokens.tsv`), so
that whatever a rule of the pack finds is masked. The rules come from gitleaks' Go module, whose version and checksum
`tools/programs/gitleaks` pins. Those are left out that need what a line of a log does not have: the name of the service
in front of a value without a form of its own, several lines, or a path. Their allowlists are left out too, since it
does no harm to mask an example.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY
from logscan_tools.samples import sample

MODULE = "github.com/zricethezav/gitleaks/v8"
PINNED = REPOSITORY / "tools" / "programs" / "gitleaks"
TOKENS = REPOSITORY / "scanner-job" / "engine" / "rust" / "src" / "redaction" / "tokens.tsv"
PACK = REPOSITORY / "crds" / "src" / "logscan_api" / "packs" / "secrets.yaml"
LICENSE = REPOSITORY / "tools" / "programs" / "gitleaks" / "LICENSE"
MARK = f"  # From gitleaks ({MODULE}, MIT license, see tools/programs/gitleaks/LICENSE); written by `make secrets`.\n"

# What ends a secret in source code; a mask goes on to the end of the word instead.
ENDS = re.compile(
    r"""(\(\?:\[\\x60'"\\s;\]\|\\\\\[nr\]\|\$(\|\\b)?\)|\(\?:\[\^[^\]]*\]\|\\z\)|\(\?:\$\|[^()]*\)|\(\?:\[\\/[^)]*\))$"""
)
# A dot of a host or prefix that gitleaks did not escape.
DOT = re.compile(r"(?<=[a-z])\.(?=[a-z])")
CONTEXT = (r"(?i)[\w.-]{0,50}?", r"[\w.-]{0,50}?")
LEFT_OUT = {
    "azure-ad-client-secret": "has no word to search for",
    "flutterwave-public-key": "is public",
    "curl-auth-header": "spans lines",
    "curl-auth-user": "spans lines",
    "facebook-access-token": "two numbers",
    "freemius-secret-key": "PHP source",
    "hashicorp-tf-password": "Terraform source",
    "kubernetes-secret-yaml": "spans lines",
    "nuget-config-password": "a file of NuGet",
    "private-key": "spans lines",
    "sidekiq-sensitive-url": "a password in a URL",
    "sourcegraph-access-token": "any 40 hexadecimal digits, such as a commit",
}


class SecretsError(ToolError):
    """The rules of gitleaks cannot be downloaded."""


@dataclass(frozen=True)
class Token:
    """The token of a service.

    Attributes:
        name: The rule's id at gitleaks.
        pattern: An expression that PCRE2 and Rust's regex read alike.
        keywords: Lowercase words of which each line with the token has one.
    """

    name: str
    pattern: str
    keywords: tuple[str, ...]


def converted(rules: list[dict[str, Any]]) -> list[Token]:
    """Return the tokens that gitleaks' rules find and that have a form of their own."""
    kept = (
        rule
        for rule in rules
        if "regex" in rule and rule["id"] not in LEFT_OUT and not rule["regex"].startswith(CONTEXT)
    )
    tokens = [Token(rule["id"], cleaned(rule["regex"]), tuple(rule["keywords"])) for rule in kept]
    return [token for token in tokens if any(word in sample(token.pattern).lower() for word in token.keywords)]


def cleaned(regex: str) -> str:
    """Return an expression of gitleaks as it is used here."""
    return DOT.sub(r"\\.", ENDS.sub("", regex))


def module() -> Path:
    """Return the folder of gitleaks' module, downloaded if need be.

    Raises:
        SecretsError: Go is not installed, or the module cannot be downloaded.
    """
    go = shutil.which("go")
    if go is None:
        raise SecretsError("no Go toolchain on PATH, which fetches the rules of gitleaks")
    done = subprocess.run([go, "mod", "download", "-json", MODULE], cwd=PINNED, capture_output=True, text=True)
    if done.returncode:
        raise SecretsError(f"the module {MODULE} cannot be fetched: {(done.stderr or done.stdout).strip()[-500:]}")
    return Path(json.loads(done.stdout)["Dir"])


def files(folder: Path) -> dict[Path, str]:
    """Return the generated files with their content, from the folder of gitleaks' module."""
    rules = tomllib.loads((folder / "config" / "gitleaks.toml").read_text(encoding="utf-8"))["rules"]
    tokens = converted(rules)
    ours = PACK.read_text(encoding="utf-8").partition(MARK)[0]
    return {TOKENS: table(tokens), PACK: ours + MARK + pack(tokens), LICENSE: (folder / "LICENSE").read_text("utf-8")}


def table(tokens: list[Token]) -> str:
    """Return the engine's table: name, keywords and expression of each token."""
    head = f"# Written by `make secrets` from {MODULE} (MIT license, see tools/programs/gitleaks/LICENSE).\n"
    return head + "".join(f"{token.name}\t{','.join(token.keywords)}\t{token.pattern}\n" for token in tokens)


def pack(tokens: list[Token]) -> str:
    """Return the rules of the pack, one for each service, with a line for each of its tokens and one without any."""
    services = groupby(sorted(tokens, key=service), key=service)
    text: str = yaml.safe_dump([rule(name, list(found)) for name, found in services], sort_keys=False, width=10_000)
    return "".join(f"  {line}\n" for line in text.splitlines())


def service(token: Token) -> str:
    """Return whose token it is: the first word of its name."""
    return token.name.partition("-")[0]


def rule(name: str, tokens: list[Token]) -> dict[str, Any]:
    """Return a rule of the pack, with what proves it."""
    pattern = tokens[0].pattern if len(tokens) == 1 else "|".join(f"(?:{token.pattern})" for token in tokens)
    return {
        "rule": {"name": f"secret-{name}", "pattern": pattern, "severity": "critical"},
        "matches": [f"the token is {sample(token.pattern)} here" for token in tokens],
        "ignores": ["the token is here"],
    }


def main() -> None:
    """Write or check the generated files."""
    parser = argparse.ArgumentParser(prog="python -m logscan_tools.secrets", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only report files that are out of date")
    options = parser.parse_args()
    try:
        wanted = files(module())
    except SecretsError as error:
        sys.exit(str(error))
    if options.check:
        stale = [str(path) for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
        sys.exit(f"out of date, run `make secrets`: {', '.join(stale)}" if stale else 0)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
