"""Exit codes and reasons: what follows from their definitions."""

import pickle

import pytest

from logscan_api.exitcodes import ExitCode, Reason, permanent_codes
from logscan_api.statuses import Phase


def test_codes_are_numbers_and_found_by_them() -> None:
    assert ExitCode(66) is ExitCode.OBJECT_NOT_FOUND
    assert int(ExitCode.OBJECT_NOT_FOUND) == 66
    with pytest.raises(ValueError, match="1 is not a valid ExitCode"):
        ExitCode(1)


def test_a_job_fails_at_once_for_no_code_that_another_attempt_may_fix() -> None:
    assert set(permanent_codes()).isdisjoint({ExitCode.DONE, ExitCode.TRY_AGAIN, ExitCode.INTERNAL_ERROR})
    assert ExitCode.OBJECT_NOT_FOUND in permanent_codes()


def test_codes_collide_neither_with_shells_nor_with_signals() -> None:
    assert all(code == 0 or 2 < code < 126 for code in ExitCode)


def test_every_code_has_a_reason_of_its_own_that_explains_its_phase() -> None:
    assert len({code.reason for code in ExitCode}) == len(ExitCode)
    for code in ExitCode:
        assert (Phase.FAILED if code else Phase.SUCCEEDED) in code.reason.phases


def test_reasons_are_words_and_explain_phases_that_there_are() -> None:
    assert f"{Reason.NO_RULES}" == str(Reason("NoRules")) == "NoRules"
    assert pickle.loads(pickle.dumps(Reason.NO_RULES)) is Reason.NO_RULES
    assert {phase for reason in Reason for phase in reason.phases} == {str(phase) for phase in Phase}
    assert all(reason.advice.strip() for reason in Reason)


def test_finished_phases() -> None:
    assert [phase for phase in Phase if phase.finished] == [Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED]
