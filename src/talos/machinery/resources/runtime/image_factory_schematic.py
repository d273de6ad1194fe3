"""Resource type ImageFactorySchematics.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

IMAGE_FACTORY_SCHEMATIC_ID = "image-factory-schematic"


class ImageFactorySchematic(resource.Resource["ImageFactorySchematic.Spec"]):
    """The schematic the running image was made from."""

    definition = resource.Definition(
        type="ImageFactorySchematics.runtime.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Schematic ID", "{.schematicId}"),
            resource.PrintColumn("Flavor", "{.flavor}"),
            resource.PrintColumn("API URL", "{.apiUrl}"),
        ),
        message="talos.resource.definitions.runtime.ImageFactorySchematicSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        schematic_id: str = msgspec.field(default="", name="schematicId")
        flavor: str = ""
        apiurl: str = msgspec.field(default="", name="apiUrl")
