"""The Terraform configuration as data: blocks with their arguments, read by python-hcl2."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

from logscan_tools.paths import REPOSITORY

TERRAFORM = REPOSITORY / "terraform"
# The module that people use, and those that it is made of.
MODULES = [TERRAFORM, *sorted(path.parent for path in (TERRAFORM / "modules").glob("*/main.tf"))]
EXAMPLES = sorted(path.parent for path in (TERRAFORM / "examples").glob("*/main.tf"))
META_ARGUMENTS = {"count", "for_each", "depends_on", "lifecycle", "provider", "provisioner", "connection"}


@dataclass(frozen=True)
class Block:
    """A resource or data source, or a block in one."""

    address: str
    type: str
    body: dict[str, Any]
    file: str

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments, without blocks and without meta-arguments."""
        blocks = {name for name, _ in self.blocks()}
        return {
            name: value
            for name, value in self.body.items()
            if not name.startswith("__") and name not in self._meta | blocks | {"dynamic"}
        }

    @property
    def _meta(self) -> set[str]:
        return META_ARGUMENTS if self.address.count(".") == 1 else set()

    def blocks(self) -> Iterator[tuple[str, "Block"]]:
        """Yield the nested blocks by name, those of dynamic blocks included."""
        for name, value in self.body.items():
            if name == "dynamic":
                for one in value:
                    ((label, body),) = _labelled(one)
                    yield label, Block(f"{self.address}.{label}", label, body["content"][0], self.file)
            elif name not in self._meta and _is_blocks(value):
                for body in value:
                    yield name, Block(f"{self.address}.{name}", name, body, self.file)


def blocks(kind: str, *folders: Path) -> list[Block]:
    """Return all `resource` or `data` blocks of folders' configurations; of all modules if no folder is given."""
    found = []
    for path in (path for folder in folders or MODULES for path in sorted(folder.glob("*.tf"))):
        for one in load(path).get(kind, []):
            ((kind_of, named),) = _labelled(one)
            ((name, body),) = _labelled(named)
            found.append(Block(f"{kind_of}.{name}", kind_of, body, path.name))
    return found


def named(kind: str, folder: Path = TERRAFORM) -> dict[str, dict[str, Any]]:
    """Return the `variable` or `output` blocks of a folder's configuration by name, in their order."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.tf")):
        for one in load(path).get(kind, []):
            found.update(_labelled(one))
    return found


@cache
def load(path: Path) -> dict[str, Any]:
    """Return a file as python-hcl2 reads it."""
    with path.open(encoding="utf-8") as file:
        document: dict[str, Any] = hcl2.load(file)
    return document


def literal(value: Any) -> Any:
    """Return a string of the configuration without its quotes."""
    return value[1:-1] if isinstance(value, str) and value[:1] == '"' == value[-1:] else value


def _labelled(one: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(str(literal(name)), body) for name, body in one.items() if not name.startswith("__")]


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and "__is_block__" in v for v in value)
