"""When a machine may keep the system it runs."""

from __future__ import annotations

import pytest

from talos.machined.controllers.runtime import boot_assessment
from talos.machinery.resources.runtime.machine_status import MachineStatus, MachineStatusStatus
from talos.machinery.types.runtime import MachineStage


@pytest.mark.feature("J009")
@pytest.mark.parametrize(
    ("stage", "ready", "configured", "good"),
    [
        (MachineStage.RUNNING, True, True, True),
        (MachineStage.RUNNING, False, True, False),
        (MachineStage.BOOTING, True, True, False),
        (MachineStage.MAINTENANCE, True, False, True),
        (MachineStage.MAINTENANCE, False, False, False),
        # It had a configuration and does not find it any more.
        (MachineStage.MAINTENANCE, True, True, False),
        (MachineStage.REBOOTING, True, True, False),
    ],
)
def test_good(stage: MachineStage, ready: bool, configured: bool, good: bool) -> None:
    status = MachineStatus.Spec(stage=stage, status=MachineStatusStatus(ready=ready))
    assert boot_assessment.is_good(status, configured=configured) is good
