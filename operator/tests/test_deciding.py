"""What is made of an object event, and what is left undecided."""

import pytest

from logscan_api.events import ObjectEvent
from logscan_api.identity import scan_name
from logscan_api.policies import LogScanPolicySpec, PolicyAction, PolicyMatch
from logscan_api.rules import RuleSelection
from logscan_operator.deciding import Ignored, Undecided, decide

SCAN_ALL = LogScanPolicySpec(rules=RuleSelection(packs=["generic"]))


SKIP_TMP = LogScanPolicySpec(priority=5, match=PolicyMatch(keys=["tmp/**"]), action=PolicyAction.IGNORE)


EVENT = ObjectEvent(bucket="logs", key="a b.log", version_id="v1", etag="abc", size=3, sequencer="00AA")


def nothing_scanned(_namespace: str, _content: str, _sequencer: str | None) -> None:
    return None


def test_an_event_becomes_a_scan_of_exactly_its_version() -> None:
    manifest = decide(EVENT, {"default": SCAN_ALL}, None, "logscan", nothing_scanned)
    assert isinstance(manifest, dict)
    assert manifest["metadata"]["name"] == scan_name(EVENT)
    assert manifest["spec"] == {
        "source": {
            "s3": {
                "bucket": "logs",
                "key": "a b.log",
                "versionId": "v1",
                "etag": "abc",
                "size": 3,
                "sequencer": "00AA",
            }
        }
    }


def test_a_scan_is_found_by_its_bucket_and_policy() -> None:
    manifest = decide(EVENT, {"p" * 100: SCAN_ALL}, None, "logscan", nothing_scanned)
    assert isinstance(manifest, dict)
    labels = manifest["metadata"]["labels"]
    assert (labels["logscan.dev/bucket"], labels["logscan.dev/policy"][:50]) == ("logs", "p" * 50)


def test_the_null_version_is_none() -> None:
    event = EVENT.model_copy(update={"version_id": "null"})
    manifest = decide(event, {"default": SCAN_ALL}, None, "logscan", nothing_scanned)
    assert isinstance(manifest, dict)
    assert "versionId" not in manifest["spec"]["source"]["s3"]


@pytest.mark.parametrize(
    ("event", "policies", "reason"),
    [
        (EVENT, {"skip": SKIP_TMP}, "no LogScanPolicy"),
        (EVENT.model_copy(update={"key": "tmp/x"}), {"default": SCAN_ALL, "skip": SKIP_TMP}, "skip says so"),
    ],
)
def test_what_is_not_scanned_says_why(event: ObjectEvent, policies: dict[str, LogScanPolicySpec], reason: str) -> None:
    decision = decide(event, policies, None, "logscan", nothing_scanned)
    assert isinstance(decision, Ignored)
    assert reason in decision.reason


@pytest.mark.parametrize(
    ("policies", "kept", "kind"),
    [
        ({}, None, Undecided),
        ({}, "default", Undecided),
        ({"skip": SKIP_TMP}, "default", Undecided),
        ({"skip": SKIP_TMP, "default": SKIP_TMP}, "default", Ignored),
        ({"all": SCAN_ALL}, "default", dict),
    ],
)
def test_nothing_is_decided_while_the_policy_that_may_apply_is_missing(
    policies: dict[str, LogScanPolicySpec], kept: str | None, kind: type
) -> None:
    assert isinstance(decide(EVENT, policies, kept, "logscan", nothing_scanned), kind)
