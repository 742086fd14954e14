"""The CRDs, built from the models. `python -m logscan_api.crds FOLDER` writes them, `--check` compares."""

import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from logscan_api import GROUP, VERSION, logscans, policies, rulesets
from logscan_api.generated import settle
from logscan_api.immutable import checked_once
from logscan_api.schema import structural
from logscan_api.sizes import limited

HEADER = "# Generated from crds/src/logscan_api by `make generate`. Do not edit.\n"


def build_crd(
    model: type[BaseModel],
    plural: str,
    short: str,
    columns: list[dict[str, Any]],
    selectable: tuple[str, ...] = (),
    immutable: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a model with the fields `spec` and `status`.

    Args:
        model: The model.
        plural: Its plural.
        short: Its short name.
        columns: What `kubectl get` shows.
        selectable: JSON paths that `--field-selector` takes.
        immutable: Fields of the spec that never change. If there are any, the others must hold little text, because the
            size of the spec is checked at creation only.
    """
    kind = model.__name__
    schema = structural(model)
    spec = checked_once(schema["properties"]["spec"], immutable)
    schema["properties"]["spec"] = limited(spec, immutable=bool(immutable))
    schema["properties"] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        **schema["properties"],
    }
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}", "labels": {"app.kubernetes.io/part-of": "logscan"}},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {**names, "shortNames": [short]},
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                    **({"selectableFields": [{"jsonPath": path} for path in selectable]} if selectable else {}),
                }
            ],
        },
    }


def build_all() -> dict[str, dict[str, Any]]:
    """Return every CRD by the name of the file that ships it."""
    scans = build_crd(logscans.LogScan, "logscans", "lscan", logscans.COLUMNS, logscans.SELECTABLE, logscans.IMMUTABLE)
    rules = build_crd(policies.LogScanPolicy, "logscanpolicies", "lsp", policies.COLUMNS, policies.SELECTABLE)
    sets = build_crd(rulesets.LogScanRuleSet, "logscanrulesets", "lrs", rulesets.COLUMNS)
    return {"logscans.yaml": scans, "logscanpolicies.yaml": rules, "logscanrulesets.yaml": sets}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def render(document: dict[str, Any]) -> str:
    """Return a CRD as YAML, byte for byte the same on every machine."""
    return HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def main(arguments: list[str]) -> int:
    """Write the CRDs into a folder, or with `--check` report those that differ (exit 1)."""
    folder = Path(next(a for a in arguments if a != "--check"))
    wanted = {folder / name: render(document) for name, document in build_all().items()}
    return settle(wanted, "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
