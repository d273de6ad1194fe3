"""Resource type MachineResetSignals.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

MACHINE_RESET_SIGNAL_ID = "machine"


class MachineResetSignal(resource.Resource["MachineResetSignal.Spec"]):
    """Exists once the machine has been told to reset itself."""

    definition = resource.Definition(type="MachineResetSignals.runtime.talos.dev", namespace="runtime")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
