"""`python -m logscan_tools.terraform.provider [--check]`: the AWS provider's schema of the resources used here.

The npm package `@cdktf/provider-aws` carries the provider's whole schema as code. This reads it (npm fetches it), keeps
the resource types that the configuration uses, and writes `terraform/tests/schema.json`, with which the tests compare
the configuration. `--check` needs no network: it compares the package's version and the resource types. Whether the
package still has what the file says is compared by a test.
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

from logscan_tools.errors import ToolError
from logscan_tools.terraform.configuration import EXAMPLES, MODULES, TERRAFORM, blocks

PACKAGE = "@cdktf/provider-aws@21.22.1"
SCHEMA = TERRAFORM / "tests" / "schema.json"
KINDS = ("resource", "data")

# {"attributes": {name: required}, "computed": [name], "blocks": {name: {"required": ..., **Node}}}; what the provider
# computes may be an attribute as well, whose value it takes if there is one.
Node = dict[str, Any]


class UnavailableError(ToolError):
    """The package cannot be fetched."""


def used() -> dict[str, list[str]]:
    """Return the AWS resource types that the configuration uses, by kind."""
    folders = [*MODULES, *EXAMPLES]
    return {kind: sorted({b.type for b in blocks(kind, *folders) if b.type.startswith("aws_")}) for kind in KINDS}


def outdated() -> str:
    """Return why the schema must be generated again, as far as that is known without the package; empty if not."""
    schema = json.loads(SCHEMA.read_text())
    if schema["from"] != PACKAGE:
        return f"it is of {schema['from']}, not of {PACKAGE}"
    for kind, names in used().items():
        if different := set(names) ^ set(schema[kind]):
            return f"it does not have the {kind} types of the configuration: {', '.join(sorted(different))}"
    return ""


def generate() -> str:
    """Return the content of the schema's file.

    Raises:
        UnavailableError: npm is missing or cannot reach the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        return json.dumps(read(fetch(Path(folder))), indent=1, sort_keys=True) + "\n"


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
    types = {kind: {name: _Source(package, kind, name).top() for name in names} for kind, names in used().items()}
    return {"from": PACKAGE, "provider": version, **types}


class _Source:
    """One resource type's code: attribute names from the JavaScript, what is required from the types."""

    def __init__(self, package: Path, kind: str, name: str) -> None:
        short = name.removeprefix("aws_").replace("_", "-")
        folder = package / "lib" / (f"data-aws-{short}" if kind == "data" else short)
        self._code = (folder / "index.js").read_text()
        self._types = (folder / "index.d.ts").read_text()
        found = re.search(r"export declare class (\w+) extends cdktf\.Terraform(Resource|DataSource)", self._types)
        if f'tfResourceType = "{name}"' not in self._types or found is None:
            raise ValueError(f"{folder.name} is not {name}")
        self._class = found[1]

    def top(self) -> Node:
        start = self._code.index("synthesizeHclAttributes()")
        return self._node(self._code[start:], f"{self._class}Config", self._class)

    def _node(self, code: str, interface: str, reader: str) -> Node:
        body = re.split(r"\n(?:function|class) ", code, maxsplit=1)[0]  # without attributes: an empty block
        required = self._required(interface)
        node: Node = {"attributes": {}, "computed": [], "blocks": {}}
        for match in re.finditer(r"\n +(\w+): \{\n +value: (.*),\n +isBlock: (true|false)", body):
            name, value, is_block = match[1], match[2], match[3] == "true"
            nested = re.search(r"(\w+)ToHclTerraform\b(?=[,)(])", re.sub(r"cdktf\.\w+ToHclTerraform", "", value))
            if is_block and nested:
                function = f"{nested[1]}ToHclTerraform"
                kind = _capital(nested[1])
                inner = self._node(
                    self._code[self._code.index(f"function {function}(") :], kind, f"{kind}OutputReference"
                )
                node["blocks"][name] = {"required": name in required, **inner}
            else:
                node["attributes"][name] = name in required
        node["computed"] = sorted(self._computed(reader) - node["blocks"].keys())
        return node

    def _computed(self, reader: str) -> set[str]:
        """Return what a class reads that the provider computes."""
        found = re.search(rf"^class {reader} .*?^\}}", self._code, re.DOTALL | re.MULTILINE)
        return set(re.findall(r"// (\w+) - computed: true", found[0])) if found else set()

    def _required(self, interface: str) -> set[str]:
        match = re.search(rf"export interface {interface} (?:extends [\w.]+ )?\{{(.*?)\n\}}", self._types, re.DOTALL)
        if match is None:
            raise ValueError(f"no interface {interface}")
        properties = re.findall(r"#(\w+) \w+#\1\}(?:(?!readonly).)*?readonly \w+(\??):", match[1], re.DOTALL)
        return {name for name, optional in properties if not optional}


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def main(arguments: list[str]) -> int:
    """Write the schema, or check it."""
    problem = outdated()
    if "--check" in arguments:
        if problem:
            sys.stderr.write(f"{SCHEMA.name} is out of date, {problem}: run `make generate` and commit the result\n")
        return int(bool(problem))
    try:
        SCHEMA.write_text(generate())
    except UnavailableError as error:
        sys.stderr.write(f"{SCHEMA.name} was not generated: {error}\n")
        return int(bool(problem))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
