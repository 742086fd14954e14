"""How large a LogScan may be, on a real API server: bounds to the byte, and no room for anything that nobody reads."""

import copy
import json
from typing import Any

import pytest
from crdcases import POLICY, SCAN, apply, changed, rule

from logscan_api.rules import INLINE_BYTES
from logscan_api.sizes import SPEC_BYTES
from logscan_local.stack.install import install_crds
from logscan_local.stack.kubectl import Kubectl, KubectlError

pytestmark = pytest.mark.controlplane


@pytest.fixture(scope="module")
def kubectl(bare_kubectl: Kubectl) -> Kubectl:
    install_crds(bare_kubectl)
    return bare_kubectl


def rules_of(size: int) -> list[dict[str, Any]]:
    """Return a hundred rules whose patterns and excludes have so many bytes together, control characters among them."""
    texts = [text_of(size // 200 + (number < size % 200)) for number in range(200)]
    return [rule(name=f"r{n}", pattern=texts[2 * n], exclude=texts[2 * n + 1]) for n in range(100)]


def text_of(size: int) -> str:
    start = ('\x01\x1bö$"' * size).encode()[:size].decode(errors="ignore")
    return start + "x" * (size - len(start.encode()))


@pytest.mark.parametrize("kind", ["LogScan", "LogScanPolicy"])
def test_rules_have_a_bound_together(kubectl: Kubectl, kind: str) -> None:
    """A bound on each alone would let a request grow beyond what Linux starts a process with."""
    document = copy.deepcopy(SCAN if kind == "LogScan" else POLICY)
    document["metadata"]["name"] = "many-rules"
    document["spec"]["rules"] = {"packs": ["generic"], "inline": rules_of(INLINE_BYTES)}
    apply(kubectl, document, way="--server-side")
    document["spec"]["rules"]["inline"][0]["pattern"] += "x"
    with pytest.raises(KubectlError) as refusal:
        apply(kubectl, document, way="--server-side")
    assert f"have at most {INLINE_BYTES} bytes (UTF-8) together" in str(refusal.value)


def sized(texts: int, **more: Any) -> dict[str, Any]:
    """Return a scan whose strings have so many bytes together, some of them in fields of all kinds."""
    spec = {
        "source": {"s3": {"bucket": "logs", "key": "ä" * 100}},
        "notify": {"email": {"to": ["a@b.example"]}, "webhook": {"url": "https://b.example/"}},
        "job": {
            "labels": {"team": "a"},
            "nodeSelector": {"pool": "scans"},
            "tolerations": [{"key": "scans", "operator": "Exists"}],
            "affinity": {
                "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}
            },
        },
        **more,
    }
    rest = texts - strings_in(spec)
    names = [f"r{number}" for number in range(100)]
    rest -= sum(map(len, names))
    patterns = ["x" * (rest // 100 + (number < rest % 100)) for number in range(100)]
    rules = [rule(name=name, pattern=pattern) for name, pattern in zip(names, patterns, strict=True)]
    return {**SCAN, "metadata": {"name": "sized"}, "spec": {**spec, "rules": {"inline": rules}}}


def strings_in(value: Any, free: bool = False) -> int:
    """Return the bytes of all strings, and of names that a person chooses."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list):
        return sum(map(strings_in, value))
    if isinstance(value, dict):
        names = sum(len(name) for name in value) if free else 0
        return names + sum(strings_in(part, name in ("labels", "nodeSelector")) for name, part in value.items())
    return 0


def test_all_strings_of_a_spec_together_are_bounded(kubectl: Kubectl) -> None:
    """The API server's sum is this one's, to the byte, whatever fields the strings are in."""
    source = {"s3": {"bucket": "logs", "key": "ü" * 500, "versionId": "v" * 1024}}
    notify = {"email": {"to": [f"{'a' * 200}{number:02}@b.example" for number in range(15)]}}
    assert "created" in apply(kubectl, sized(SPEC_BYTES, source=source, notify=notify))
    with pytest.raises(KubectlError, match=r"all texts of the spec have at most 65536 bytes"):
        apply(kubectl, sized(SPEC_BYTES + 1, source=source, notify=notify))


def test_an_affinity_is_that_of_a_pod_and_nothing_more(kubectl: Kubectl) -> None:
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "arch", "operator": "In", "values": ["arm64"]}]}]
            }
        },
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 50,
                    "podAffinityTerm": {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "logscan-scanner"}},
                    },
                }
            ]
        },
    }
    document = {**changed(job__affinity=affinity), "metadata": {"name": "near"}}
    apply(kubectl, document, dry_run=False)
    assert kubectl.get("logscan", "near")["spec"]["job"]["affinity"] == affinity
    # A megabyte of anything was accepted, and each LogScan is in the operator's memory.
    stuffed = {"nodeAffinity": {"x": ["y" * 1000] * 1000}}
    document = {**changed(job__affinity=stuffed), "metadata": {"name": "stuffed"}}
    kubectl.run("create", "--filename=-", "--validate=ignore", stdin=json.dumps(document))
    assert kubectl.get("logscan", "stuffed")["spec"]["job"]["affinity"] == {"nodeAffinity": {}}
