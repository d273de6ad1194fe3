"""The schematic the image was made from, which its maker adds as an extension without files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.runtime.extension_status import ExtensionStatus
from talos.machinery.resources.runtime.image_factory_schematic import (
    IMAGE_FACTORY_SCHEMATIC_ID,
    ImageFactorySchematic,
)

EXTENSION = "schematic"


def spec(metadata: Mapping[str, Any]) -> ImageFactorySchematic.Spec:
    """The extension's version is the schematic's id; where it came from is in its annotations, if anywhere."""
    extra = metadata.get("annotations")
    annotations: Mapping[str, Any] = extra if isinstance(extra, Mapping) else {}
    return ImageFactorySchematic.Spec(
        schematic_id=str(metadata.get("version", "")),
        flavor=str(annotations.get("flavor", "")),
        apiurl=str(annotations.get("apiURL", "")),
    )


class ImageFactorySchematicController(controller.Controller):
    """One resource, or none for an image made by hand."""

    modes = Mode.MACHINE
    inputs = (controller.weak(ExtensionStatus),)
    outputs = (controller.exclusive(ImageFactorySchematic),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Look for the extension by its name."""
        for one in await r.list(ExtensionStatus):
            if one.spec.metadata.get("name") == EXTENSION:
                await r.put(ImageFactorySchematic(IMAGE_FACTORY_SCHEMATIC_ID, spec(one.spec.metadata)))
                return
