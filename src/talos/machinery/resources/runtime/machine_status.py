"""Resource type MachineStatuses.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import runtime as runtime_types

MACHINE_STATUS_ID = "machine"


class UnmetCondition(msgspec.Struct, frozen=True, kw_only=True):
    """Part of MachineStatus."""

    name: str = ""
    reason: str = ""


class MachineStatusStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Part of MachineStatus."""

    ready: bool = False
    unmet_conditions: tuple[UnmetCondition, ...] = msgspec.field(default=(), name="unmetConditions")


class MachineStatus(resource.Resource["MachineStatus.Spec"]):
    """Machine status."""

    definition = resource.Definition(
        type="MachineStatuses.runtime.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Stage", "{.stage}"),
            resource.PrintColumn("Ready", "{.status.ready}"),
        ),
        message="talos.resource.definitions.runtime.MachineStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of MachineStatus."""

        stage: runtime_types.MachineStage = runtime_types.MachineStage.UNKNOWN
        status: MachineStatusStatus = msgspec.field(default_factory=MachineStatusStatus)
