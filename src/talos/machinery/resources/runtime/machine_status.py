"""Resource type MachineStatuses.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import runtime as runtime_types

MACHINE_STATUS_ID = "machine"


class UnmetCondition(msgspec.Struct, frozen=True, kw_only=True):
    """A reason why the machine is not ready."""

    name: str = ""
    reason: str = ""


class MachineStatusStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the machine is ready."""

    ready: bool = False
    unmet_conditions: tuple[UnmetCondition, ...] = msgspec.field(default=(), name="unmetConditions")


class MachineStatus(resource.Resource["MachineStatus.Spec"]):
    """The stage the machine is in, and whether it is ready."""

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
        stage: runtime_types.MachineStage = runtime_types.MachineStage.UNKNOWN
        status: MachineStatusStatus = msgspec.field(default_factory=MachineStatusStatus)
