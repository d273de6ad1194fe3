"""Resource type SBOMItems.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class SBOMItem(resource.Resource["SBOMItem.Spec"]):
    """A software package inside the running image."""

    definition = resource.Definition(
        type="SBOMItems.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Version", "{.version}"),
            resource.PrintColumn("License", "{.license}"),
            resource.PrintColumn("Extension", "{.extension}"),
        ),
        message="talos.resource.definitions.runtime.SBOMItemSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"license", "cp_es", "pur_ls", "extension"})

        name: str = ""
        version: str = ""
        license: str = ""
        cp_es: tuple[str, ...] = msgspec.field(default=(), name="cpes")
        pur_ls: tuple[str, ...] = msgspec.field(default=(), name="purls")
        extension: bool = False
