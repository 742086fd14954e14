"""The policy that the operator makes itself, as a manifest."""

from objects import SETTINGS

from logscan_api.policies import LogScanPolicySpec
from logscan_operator.defaultpolicy import manifest


def test_without_packs_there_is_none() -> None:
    assert manifest(SETTINGS) is None


def test_it_is_below_every_policy_that_says_nothing_of_its_priority() -> None:
    made = manifest(SETTINGS.model_copy(update={"default_policy_packs": ["generic", "etcd"]}))
    assert made is not None
    spec = LogScanPolicySpec.model_validate(made["spec"])
    assert spec.priority < LogScanPolicySpec.model_fields["priority"].default
    assert spec.rules is not None
    assert spec.rules.packs == ["generic", "etcd"]
