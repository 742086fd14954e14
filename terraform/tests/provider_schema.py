"""`python terraform/tests/provider_schema.py [--check]`: what the AWS provider knows of the resources used here.

The npm package `@cdktf/provider-aws` carries the provider's whole schema as code. This reads it (npm fetches it), keeps
the resource types that the configuration uses, and writes `schema.json`, which the tests hold the configuration
against. `--check` compares instead and ends with 1 if it differs, with 3 if npm or the package cannot be had.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from configuration import blocks

PACKAGE = "@cdktf/provider-aws@21.22.1"
SCHEMA = Path(__file__).with_name("schema.json")
UNAVAILABLE = 3

Node = dict[str, Any]  # {"attributes": {name: required}, "blocks": {name: {"required": ..., **Node}}}


class UnavailableError(Exception):
    """The package cannot be had."""


def fetch(folder: Path) -> Path:
    """Return the folder of the package's code, one folder for each resource type.

    Raises:
        UnavailableError: npm is missing or cannot reach the package.
    """
    if shutil.which("npm") is None:
        raise UnavailableError("npm is not on PATH")
    done = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"npm pack {PACKAGE} failed: {done.stderr.strip()[-300:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def read(package: Path) -> dict[str, Any]:
    """Return the schema of every type that the configuration uses."""
    version = json.loads((package / "package.json").read_text())["cdktf"]["provider"]["version"]
    used = {kind: sorted({b.type for b in blocks(kind) if b.type.startswith("aws_")}) for kind in ("resource", "data")}
    return {
        "from": PACKAGE,
        "provider": version,
        **{kind: {name: _Source(package, kind, name).top() for name in names} for kind, names in used.items()},
    }


class _Source:
    """One resource type's code: attribute names from the JavaScript, what is required from the types."""

    def __init__(self, package: Path, kind: str, name: str) -> None:
        short = name.removeprefix("aws_").replace("_", "-")
        folder = package / "lib" / (f"data-aws-{short}" if kind == "data" else short)
        self._code = (folder / "index.js").read_text()
        self._types = (folder / "index.d.ts").read_text()
        self._class = re.search(
            r"export declare class (\w+) extends cdktf\.Terraform(Resource|DataSource)", self._types
        )
        if f'tfResourceType = "{name}"' not in self._types or self._class is None:
            raise ValueError(f"{folder.name} is not {name}")

    def top(self) -> Node:
        assert self._class is not None
        start = self._code.index("synthesizeHclAttributes()")
        return self._node(self._code[start:], f"{self._class[1]}Config")

    def _node(self, code: str, interface: str) -> Node:
        body = re.split(r"\n(?:function|class) ", code, maxsplit=1)[0]  # without attributes: an empty block
        required = self._required(interface)
        node: Node = {"attributes": {}, "blocks": {}}
        for match in re.finditer(r"\n +(\w+): \{\n +value: (.*),\n +isBlock: (true|false)", body):
            name, value, is_block = match[1], match[2], match[3] == "true"
            nested = re.search(r"(\w+)ToHclTerraform\b(?=[,)(])", re.sub(r"cdktf\.\w+ToHclTerraform", "", value))
            if is_block and nested:
                function = f"{nested[1]}ToHclTerraform"
                inner = self._node(self._code[self._code.index(f"function {function}(") :], _capital(nested[1]))
                node["blocks"][name] = {"required": name in required, **inner}
            else:
                node["attributes"][name] = name in required
        return node

    def _required(self, interface: str) -> set[str]:
        match = re.search(rf"export interface {interface} (?:extends [\w.]+ )?\{{(.*?)\n\}}", self._types, re.DOTALL)
        if match is None:
            raise ValueError(f"no interface {interface}")
        properties = re.findall(r"#(\w+) \w+#\1\}(?:(?!readonly).)*?readonly \w+(\??):", match[1], re.DOTALL)
        return {name for name, optional in properties if not optional}


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def main(arguments: list[str]) -> int:
    """Write or check the schema."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            schema = read(fetch(Path(folder)))
        except UnavailableError as error:
            sys.stderr.write(f"{error}\n")
            return UNAVAILABLE
    text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
    if "--check" not in arguments:
        SCHEMA.write_text(text)
        return 0
    if SCHEMA.read_text() != text:
        sys.stderr.write("schema.json is out of date: run `make generate`\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
