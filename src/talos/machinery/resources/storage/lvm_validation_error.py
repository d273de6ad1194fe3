"""Resource type LVMValidationErrors.storage.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class LVMValidationError(resource.Resource["LVMValidationError.Spec"]):
    """Why a configured LVM volume can not be made."""

    definition = resource.Definition(
        type="LVMValidationErrors.storage.talos.dev",
        namespace="storage",
        print_columns=(
            resource.PrintColumn("VG", "{.vgName}"),
            resource.PrintColumn("Message", "{.message}"),
        ),
        message="talos.resource.definitions.storage.LVMValidationErrorSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        vg_name: str = msgspec.field(default="", name="vgName")
        message: str = ""
