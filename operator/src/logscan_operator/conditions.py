"""The conditions of a LogScan: Kubernetes' own for an object that is worked on, and those of a Job.

`Ready`, `Reconciling` and `Stalled` are what kstatus reads, and with it Flux, Argo CD and kpt:
https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
"""

from dataclasses import dataclass
from typing import Literal

from logscan_api.conditions import ConditionType
from logscan_api.exitcodes import Reason
from logscan_api.statuses import Condition, Phase
from logscan_api.text import printable
from logscan_operator.items import Scan

MESSAGE_LENGTH = 88  # the status itself has the whole; five of them share its 4 KiB

# What stays when the phase changes: always, or only once the scan has ended.
LASTING = frozenset({ConditionType.ADMITTED, ConditionType.JOB_CREATED})
FINAL = frozenset({ConditionType.COMPLETE, ConditionType.FAILED})

Said = tuple[bool, Reason, str]


@dataclass(frozen=True)
class Verdict:
    """What is now true of a scan, in a machine's word and a person's sentence."""

    phase: Phase
    reason: Reason
    message: str


def of(scan: Scan, verdict: Verdict, said: dict[ConditionType, Said], at: str) -> list[Condition]:
    """Return the conditions that follow from a verdict; one keeps its time while its status stays.

    `Reconciling` and `Stalled` are there only while they hold, as kstatus has it; `Complete` and `Failed` only once
    the scan has ended.

    Args:
        scan: The scan with its conditions before.
        verdict: What is now true of it.
        said: What is true besides, by type.
        at: The time, as Kubernetes writes it.
    """
    known = {condition.type: condition for condition in scan.status.conditions or []}
    stay = LASTING | FINAL if verdict.phase.finished else LASTING
    found = {kind: condition for kind, condition in known.items() if kind in stay}
    for kind, (holds, reason, message) in {**_kstatus(verdict), **said}.items():
        old = known.get(kind)
        status: Literal["True", "False"] = "True" if holds else "False"
        found[kind] = Condition(
            type=str(kind),
            status=status,
            reason=str(reason),
            message=printable(message)[:MESSAGE_LENGTH],
            last_transition_time=old.last_transition_time if old and old.status == status else at,
            observed_generation=scan.generation,
        )
    return list(found.values())


def _kstatus(verdict: Verdict) -> dict[ConditionType, Said]:
    """Return the conditions by which kstatus tells whether a LogScan is as its spec asks.

    A scan that was given up is: nothing more is to happen, and nobody has to act. One that is suspended is neither
    ready nor being worked on.
    """
    phase, facts = verdict.phase, (verdict.reason, verdict.message)
    said: dict[ConditionType, Said] = {ConditionType.READY: (phase in (Phase.SUCCEEDED, Phase.CANCELLED), *facts)}
    if phase is Phase.FAILED:
        said[ConditionType.STALLED] = (True, *facts)
    elif not phase.finished and phase is not Phase.SUSPENDED:
        said[ConditionType.RECONCILING] = (True, *facts)
    return said
