"""Resource type MachineTypes.config.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

MACHINE_TYPE_ID = "machine-type"


class MachineType(resource.Resource["MachineType.Spec"]):
    """Machine type."""

    definition = resource.Definition(
        type="MachineTypes.config.talos.dev",
        namespace="config",
        print_columns=(resource.PrintColumn("Type", "{@}"),),
        message="resource.config.MachineTypeSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of MachineType."""
