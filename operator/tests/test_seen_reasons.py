"""Every reason of the API is produced by some test; this one runs after them, by its name."""

import pytest
from places import SEEN

from logscan_api.exitcodes import Reason

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


def test_every_reason_of_the_api_was_produced() -> None:
    assert {str(reason) for reason in Reason} - SEEN == set()
