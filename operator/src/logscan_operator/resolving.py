"""What applies to a scan: its own spec, the policy that matches its object, and the operator's settings. Pure.

`resolve` decides it when the first Job of a run is made. The Job records it (see `jobs.recorded`), and every later
attempt reads the record: a policy or rule set that is changed or deleted changes no scan that has started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from logscan_api.framing import Records
from logscan_api.globs import matches
from logscan_api.jobtemplates import JobTemplate
from logscan_api.logscans import Limits, LogScanSpec
from logscan_api.notify import Notify
from logscan_api.packs import resolve_rules
from logscan_api.policies import LogScanPolicySpec, PolicyAction, matching
from logscan_api.rules import Rule, RuleSelection
from logscan_operator.items import RuleSet, Scan
from logscan_operator.records import Record
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings
from logscan_operator.view import View


@dataclass(frozen=True)
class ResolvedScan:
    """Everything that applies to one scan.

    Attributes:
        rules: Which rules, or None when neither the scan nor a policy names any: such a scan cannot run.
        records: How the log is divided into records.
        limits: Its limits; one that is absent has the built-in default.
        notify: Who is notified, if anybody.
        attempts: Maximum number of Jobs.
        timeout_seconds: Maximum run time of one attempt.
        job: Changes to the operator's Job template.
        policy: The policy that fills what the scan leaves out, if one matches.
        role_arn: The role that reads the logs, if it is not the scanner's own.
        rule_sets: The rule sets that the rules name, by name, as far as they exist.
        combined: The rules that other matching policies add, by the policy, the highest priority first.
    """

    rules: RuleSelection | None
    records: Records
    limits: Limits
    notify: Notify | None
    attempts: int
    timeout_seconds: int
    job: JobTemplate
    policy: str | None
    role_arn: str | None = None
    rule_sets: Mapping[str, RuleSet] = field(default_factory=dict)
    combined: Mapping[str, RuleSelection] = field(default_factory=dict)

    @property
    def selections(self) -> list[RuleSelection]:
        """Return all selections of rules, those that win over others of the same name first."""
        return [*([self.rules] if self.rules is not None else []), *self.combined.values()]

    @property
    def record(self) -> Record:
        """Return what a Job's annotation keeps of it."""
        return Record(
            policy=self.policy,
            combined=list(self.combined) or None,
            attempts=self.attempts,
            timeout_seconds=self.timeout_seconds,
            job=self.job,
        )


NO_POLICY = LogScanPolicySpec.model_construct()


def resolve(
    spec: LogScanSpec,
    policies: Mapping[str, LogScanPolicySpec],
    rule_sets: Mapping[str, RuleSet],
    settings: Settings,
) -> ResolvedScan:
    """Return what applies to a scan; of several objects the first decides, see `divided`.

    Every field that the scan leaves out comes from the matching policy, whether or not the scan has rules of its own,
    and then from the settings. Single limits, labels, resources and fields of the Job template are such fields; rules,
    records and notify are taken whole. With `combine`, the other matching policies add their rules to those of the
    policy, and nothing else. A policy that ignores objects gives nothing to a scan that was made by hand.

    Args:
        spec: The LogScan's spec.
        policies: Specs of the LogScanPolicies in its namespace, by name.
        rule_sets: The LogScanRuleSets in its namespace, by name.
        settings: The operator's settings.
    """
    source = spec.source.s3
    name, *others = applying(matching(policies, source.bucket, source.keys[0]), spec, policies)
    policy = policies[name] if name is not None else NO_POLICY
    rules = spec.rules or policy.rules
    combined = {other: found for other in filter(None, others) if (found := _rules_of_policy(policies[other]))}
    sets = {name for selection in filter(None, [rules, *combined.values()]) for name in named(selection)}
    return ResolvedScan(
        rules=rules,
        records=spec.records or policy.records or Records(),
        limits=(spec.limits or Limits()).over(policy.limits or Limits()),
        notify=spec.notify or policy.notify,
        attempts=spec.attempts or policy.attempts or settings.default_attempts,
        timeout_seconds=spec.timeout_seconds or policy.timeout_seconds or settings.default_timeout_seconds,
        job=(spec.job or JobTemplate()).over(policy.job or JobTemplate()),
        policy=name,
        role_arn=spec.role_arn or policy.role_arn,
        rule_sets={name: rule_sets[name] for name in sorted(sets) if name in rule_sets},
        combined=combined,
    )


def listing_role(spec: LogScanSpec, policies: Mapping[str, LogScanPolicySpec]) -> str | None:
    """Return the role that lists the keys of a LogScan of a prefix, or None for the operator's own.

    Policies are chosen for each key, and here there is none yet. So it is the role of the policy with the highest
    priority among those that have one and scan objects of the bucket, whatever their keys.

    Args:
        spec: The LogScan's spec.
        policies: Specs of the LogScanPolicies in its namespace, by name.
    """
    if spec.role_arn is not None:
        return spec.role_arn
    bucket = spec.source.s3.bucket
    found = [
        (-policy.priority, name, policy.role_arn)
        for name, policy in policies.items()
        if policy.role_arn and policy.action is PolicyAction.SCAN and matches(policy.match.buckets, bucket)
    ]
    return min(found)[2] if found else None


def divided(spec: LogScanSpec, policies: Mapping[str, LogScanPolicySpec]) -> str | None:
    """Return why several objects cannot be one scan, naming two of them, or None if they can.

    Whoever lists objects must be able to tell what applies to them. The operator lists objects of one policy; if
    policies have changed since, the one of the first object applies to all.

    Args:
        spec: The LogScan's spec, whole.
        policies: Specs of the LogScanPolicies in its namespace, by name.
    """
    source, seen = spec.source.s3, set[str]()
    first = applying(matching(policies, source.bucket, source.keys[0]), spec, policies)
    for number, key in enumerate(source.keys):
        field = f"source.s3.objects[{number}].key: {key}"
        if key in seen:
            return f"{field} is listed twice: list each key once"
        seen.add(key)
        found = applying(matching(policies, source.bucket, key), spec, policies)
        if found != first:
            return f"{field} {_under(found)}, and {source.keys[0]} {_under(first)}: use a LogScan for each"
    return None


def applying(names: list[str], spec: LogScanSpec, policies: Mapping[str, LogScanPolicySpec]) -> list[str | None]:
    """Return the policy that applies to a key, or None, and then the policies whose rules are combined with its own.

    Args:
        names: The policies that match the key; see `logscan_api.policies.matching`.
        spec: The LogScan's spec.
        policies: Specs of the LogScanPolicies by name.
    """
    if not names or policies[names[0]].action is PolicyAction.IGNORE:
        return [None]
    combines = policies[names[0]].combine and spec.rules is None
    return [*names] if combines else [names[0]]


def _under(names: list[str | None]) -> str:
    found = [name for name in names if name is not None]
    return f"is under the LogScanPolicy {' with '.join(found)}" if found else "is under no LogScanPolicy"


def _rules_of_policy(policy: LogScanPolicySpec) -> RuleSelection | None:
    """Return the rules that a policy adds to those of another one."""
    return policy.rules if policy.action is PolicyAction.SCAN else None


def named(rules: RuleSelection | None) -> list[str]:
    """Return the names of the rule sets of a selection."""
    return (rules.rule_sets if rules is not None else None) or []


def unready(selections: Sequence[RuleSelection], rule_sets: Mapping[str, RuleSet]) -> str | None:
    """Return which rule set of some selections cannot be used, or not yet, and why; None if all can.

    Args:
        selections: The selections.
        rule_sets: The rule sets that exist, by name.
    """
    for name in (name for selection in selections for name in named(selection)):
        problem = rule_sets[name].problem if name in rule_sets else "does not exist in the namespace"
        if problem is not None:
            return f"the LogScanRuleSet {name} {problem}"
    return None


def rules_of(resolved: ResolvedScan) -> list[Rule]:
    """Return the rules of a scan.

    Raises:
        UnknownPackError: A rule pack does not exist.
        UnknownRuleSetError: A rule set does not exist.
    """
    sets = {name: found.rules for name, found in resolved.rule_sets.items()}
    rules: dict[str, Rule] = {}
    for selection in reversed(resolved.selections):
        rules.update({rule.name: rule for rule in resolve_rules(selection, sets)})
    return list(rules.values())


def resolve_now(view: View, scan: Scan, settings: Settings) -> ResolvedScan:
    """Return what applies to a scan by the policies and rule sets of its namespace as they are now."""
    namespace = scan.key[0]
    return resolve(scan.readable_spec, view.policies_in(namespace), view.rule_sets_in(namespace), settings)


def recording_job(view: View, scan: Scan) -> ScanJob | None:
    """Return the newest Job of a scan's present run that records what applies to it."""
    job = view.newest_job(scan)
    return job if job is not None and job.record is not None and job.attempt > scan.prior_attempts else None


def record_of(view: View, scan: Scan, settings: Settings) -> Record:
    """Return what applies to a scan: as recorded once it has started and its Job exists, else as it is now."""
    job = recording_job(view, scan)
    return job.record if job is not None and job.record is not None else resolve_now(view, scan, settings).record
