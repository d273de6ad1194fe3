"""The stage of the machine as the sequencer knows it.

Controllers may not see the sequencer; they ask this source, which main connects to it.
"""

from __future__ import annotations

from collections.abc import Callable

from talos.machinery.types.runtime import MachineStage

_STAGES = {
    "initialize": MachineStage.BOOTING,
    "boot": MachineStage.BOOTING,
    "reboot": MachineStage.REBOOTING,
    "shutdown": MachineStage.SHUTTING_DOWN,
    "reset": MachineStage.RESETTING,
    "upgrade": MachineStage.UPGRADING,
    "maintenanceUpgrade": MachineStage.UPGRADING,
    "stageUpgrade": MachineStage.UPGRADING,
    "install": MachineStage.INSTALLING,
}


class StageSource:
    """Holds what the sequencer does, tells who asked."""

    def __init__(self) -> None:
        self._running = ""
        self._booted = False
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` on every change; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def update(self, running: str, *, booted: bool) -> None:
        """Take over the sequencer's status: name of the running sequence (empty: none), boot done."""
        self._running, self._booted = running, booted
        for listener in list(self._listeners):
            listener()

    def stage(self, *, maintenance: bool) -> MachineStage:
        """Return the stage. A machine that waits for a configuration is in maintenance."""
        running = _STAGES.get(self._running)
        if running is MachineStage.BOOTING and maintenance and self._running == "initialize":
            return MachineStage.MAINTENANCE
        if running is not None:
            return running
        return MachineStage.RUNNING if self._booted else MachineStage.BOOTING
