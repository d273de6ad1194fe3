"""What the consoles show of the machine's state."""

from __future__ import annotations

import asyncio

import pytest

from talos.machined.controllers.runtime import console_status
from talos.machinery.resources.network.node_address import NODE_ADDRESS_ROUTED_ID, NodeAddress
from talos.machinery.resources.runtime.machine_status import (
    MACHINE_STATUS_ID,
    MachineStatus,
    MachineStatusStatus,
    UnmetCondition,
)
from talos.machinery.resources.v1alpha1.service import Service
from talos.machinery.types.runtime import MachineStage
from talos.testing import ctest


def _status(stage: MachineStage, *unmet: str, ready: bool = False) -> MachineStatus.Spec:
    conditions = tuple(UnmetCondition(name=name, reason="not yet") for name in unmet)
    return MachineStatus.Spec(stage=stage, status=MachineStatusStatus(ready=ready, unmet_conditions=conditions))


@pytest.mark.parametrize(
    ("status", "addresses", "api", "expected"),
    [
        (None, (), False, "booting | no address yet | API not up yet"),
        (
            _status(MachineStage.MAINTENANCE),
            ("10.0.2.15",),
            True,
            "maintenance | 10.0.2.15 | API 10.0.2.15:50000 | waits for a configuration",
        ),
        (
            _status(MachineStage.BOOTING, "services", "time", "nodeReady"),
            ("fd00::1",),
            True,
            "booting | fd00::1 | API [fd00::1]:50000 | waits for services (not yet), time (not yet) and 1 more",
        ),
        (
            _status(MachineStage.RUNNING, ready=True),
            ("10.0.0.2", "10.0.0.3", "10.0.0.4"),
            True,
            "running | 10.0.0.2 10.0.0.3 | API 10.0.0.2:50000 | ready",
        ),
    ],
)
def test_the_line(status: MachineStatus.Spec | None, addresses: tuple[str, ...], api: bool, expected: str) -> None:
    shown = console_status.summary(status, addresses, api=api)
    assert shown.startswith("PyTalos v")
    assert shown.partition(" | ")[2] == expected


async def test_it_is_shown_once_for_each_change_and_not_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_status, "PAUSE_S", 0.2)
    shown: list[str] = []
    made = console_status.ConsoleStatusController()
    made._show = lambda text, *_: shown.append(text)
    async with ctest.bench(made) as b:
        address = NodeAddress.Spec(addresses=("10.0.0.2/24",))
        await b.put(NodeAddress(NODE_ADDRESS_ROUTED_ID, address), Service("apid", Service.Spec(healthy=True)))
        for number in range(20):
            await b.put(MachineStatus(MACHINE_STATUS_ID, _status(MachineStage.BOOTING, f"step {number}")))
        await b.put(MachineStatus(MACHINE_STATUS_ID, _status(MachineStage.RUNNING, ready=True)))
        for _ in range(100):
            if shown and shown[-1].endswith("running | 10.0.0.2 | API 10.0.0.2:50000 | ready"):
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError(shown)
        count = len(shown)
        assert count <= 5
        await asyncio.sleep(0.5)
        assert len(shown) == count
