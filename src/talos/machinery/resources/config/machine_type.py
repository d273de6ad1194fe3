"""Resource type MachineTypes.config.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource
from talos.machinery.types import machine as machine_types

MACHINE_TYPE_ID = "machine-type"


class MachineType(resource.Resource["MachineType.Spec"]):
    """Whether this node is a control plane node or a worker."""

    definition = resource.Definition(
        type="MachineTypes.config.talos.dev",
        namespace="config",
        print_columns=(resource.PrintColumn("Type", "{@}"),),
        message="resource.config.MachineTypeSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """The role; its YAML form is the bare text."""

        machine_type: machine_types.MachineType = machine_types.MachineType.UNKNOWN

        def as_yaml(self, plain: dict[str, Any]) -> Any:
            """The bare text."""
            return plain["machine_type"]
