"""Resource type BootIDs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

BOOT_ID_ID = "boot-id"


class BootID(resource.Resource["BootID.Spec"]):
    """Random identity of this boot."""

    definition = resource.Definition(
        type="BootIDs.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Boot ID", "{.bootID}"),),
        message="talos.resource.definitions.runtime.BootIDSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        boot_id: str = msgspec.field(default="", name="bootID")
