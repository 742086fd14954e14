"""What applies to a scan: its own spec, the policy that matches its object, and the operator's settings. Pure.

`resolve` decides it when the first Job of a run is made. The Job records it (see `jobs.recorded`), and every later
attempt reads the record: a policy that is changed, deleted or set to Ignore changes no scan that has started.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from logscan_api.framing import Records
from logscan_api.jobtemplates import JobTemplate
from logscan_api.logscans import Limits, LogScanSpec
from logscan_api.notify import Notify
from logscan_api.policies import LogScanPolicySpec, PolicyAction, choose
from logscan_api.rules import RuleSelection
from logscan_operator.items import Scan
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
    """

    rules: RuleSelection | None
    records: Records
    limits: Limits
    notify: Notify | None
    attempts: int
    timeout_seconds: int
    job: JobTemplate
    policy: str | None

    @property
    def record(self) -> Record:
        """Return what a Job's annotation keeps of it."""
        return Record(policy=self.policy, attempts=self.attempts, timeout_seconds=self.timeout_seconds, job=self.job)


NO_POLICY = LogScanPolicySpec.model_construct()


def resolve(spec: LogScanSpec, policies: Mapping[str, LogScanPolicySpec], settings: Settings) -> ResolvedScan:
    """Return what applies to a scan.

    Every field that the scan leaves out comes from the matching policy, whether or not the scan has rules of its own,
    and then from the settings. Single limits, labels, resources and fields of the Job template are such fields; rules,
    records and notify are taken whole. A policy that ignores objects gives nothing to a scan that was made by hand.

    Args:
        spec: The LogScan's spec.
        policies: Specs of the LogScanPolicies in its namespace, by name.
        settings: The operator's settings.
    """
    source = spec.source.s3
    name = choose(policies, source.bucket, source.key or source.prefix or "")
    if name is not None and policies[name].action is PolicyAction.IGNORE:
        name = None
    policy = policies[name] if name is not None else NO_POLICY
    return ResolvedScan(
        rules=spec.rules or policy.rules,
        records=spec.records or policy.records or Records(),
        limits=(spec.limits or Limits()).over(policy.limits or Limits()),
        notify=spec.notify or policy.notify,
        attempts=spec.attempts or policy.attempts or settings.default_attempts,
        timeout_seconds=spec.timeout_seconds or policy.timeout_seconds or settings.default_timeout_seconds,
        job=(spec.job or JobTemplate()).over(policy.job or JobTemplate()),
        policy=name,
    )


def resolve_now(view: View, scan: Scan, settings: Settings) -> ResolvedScan:
    """Return what applies to a scan by the policies of its namespace as they are now."""
    return resolve(scan.readable_spec, view.policies_in(scan.key[0]), settings)


def recording_job(view: View, scan: Scan) -> ScanJob | None:
    """Return the newest Job of a scan's present run that records what applies to it."""
    job = view.newest_job(scan)
    return job if job is not None and job.record is not None and job.attempt > scan.prior_attempts else None


def record_of(view: View, scan: Scan, settings: Settings) -> Record:
    """Return what applies to a scan: as recorded once it has started and its Job exists, else as it is now."""
    job = recording_job(view, scan)
    return job.record if job is not None and job.record is not None else resolve_now(view, scan, settings).record
