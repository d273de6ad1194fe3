"""Says that the running system is good, once it is, so that the loader stops counting its attempts.

Good is a machine that runs and is ready: configuration read, API up, services, etcd and static pods of a control plane,
and the node in Kubernetes. One without a configuration has to reach maintenance; one that had a configuration and
reaches only that has lost something, and is not good. init starts the machine again when nobody says so in time.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from talos.base import errors
from talos.base.constants import partitions
from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machined.systems import Systems
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.runtime.booted_entry import BOOTED_ENTRY_ID, BootedEntry
from talos.machinery.resources.runtime.machine_status import MACHINE_STATUS_ID, MachineStatus
from talos.machinery.types.runtime import MachineStage

GOOD = Path("/run/boot-good")
"""init waits for this file (docs/design/init.md)."""
RETRY_S = 15.0


def is_good(status: MachineStatus.Spec, *, configured: bool) -> bool:
    """Whether a machine in this state may keep the system it runs."""
    if not status.status.ready:
        return False
    return status.stage is MachineStage.RUNNING or (status.stage is MachineStage.MAINTENANCE and not configured)


class BootAssessmentController(controller.Controller):
    """Publishes the booted entry; ends a trial when the machine is good."""

    inputs = (controller.weak(MachineStatus, id=MACHINE_STATUS_ID), controller.weak(DiscoveredVolume))
    outputs = (controller.exclusive(BootedEntry),)
    modes = Mode.MACHINE

    def __init__(self, systems: Systems) -> None:
        self._systems = systems
        self._trial: bool | None = None
        self._done = False

    async def reconcile(self, r: controller.Handle) -> None:
        """At every change of the machine's status, until it is good."""
        if self._done:
            return
        status = await r.find(MachineStatus, MACHINE_STATUS_ID)
        if status is None or status.spec.stage not in (MachineStage.RUNNING, MachineStage.MAINTENANCE):
            # Not while the machine has other things to do: looking costs reads of the disk.
            return
        if self._trial is None:
            self._trial = await self._look(r)
        if self._trial:
            volumes = await r.list(DiscoveredVolume)
            configured = any(one.spec.partition_label == partitions.STATE for one in volumes)
            if not is_good(status.spec, configured=configured):
                return
            try:
                await asyncio.to_thread(self._systems.machine.bless)
            except (errors.TalosError, OSError) as error:
                raise errors.Temporary(f"the loader was not told: {error}", RETRY_S) from error
            r.log.info("this system is good: the loader keeps it")
        GOOD.touch()
        self._done = True

    async def _look(self, r: controller.Handle) -> bool:
        def read() -> tuple[str, bool]:
            machine = self._systems.machine
            booted = machine.booted()
            if not machine.running_image():
                return booted.entry, False
            if failed := machine.failed_upgrade():
                r.log.error("the loader gave up %s after its attempts; this is the system before it", failed)
            return booted.entry, machine.on_trial()

        try:
            entry, trial = await asyncio.to_thread(read)
        except (errors.NotFound, errors.Invalid, OSError) as error:
            r.log.warning("the loader's partition can not be read: %s", error)
            entry, trial = "", False
        if entry:
            await r.put(BootedEntry(BOOTED_ENTRY_ID, BootedEntry.Spec(booted_entry=entry)))
        if trial:
            r.log.info("%s is on trial until this machine is ready", entry)
        return trial
