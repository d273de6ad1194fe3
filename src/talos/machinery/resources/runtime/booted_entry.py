"""Resource type BootedEntries.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource

BOOTED_ENTRY_ID = "bootedentry"


class BootedEntry(resource.Resource["BootedEntry.Spec"]):
    """The boot loader entry the machine was started from."""

    definition = resource.Definition(
        type="BootedEntries.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Booted Entry", "{.bootedEntry}"),),
        message="talos.resource.definitions.runtime.BootedEntrySpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"booted_entry"})

        booted_entry: str = msgspec.field(default="", name="bootedEntry")
