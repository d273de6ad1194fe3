"""System extensions of the running image, from the list the imager left in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from talos.base import errors
from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.runtime.extension_status import ExtensionStatus

LIST = Path("/etc/extensions.yaml")


def layers(text: str) -> dict[str, ExtensionStatus.Spec]:
    """Id -> layer. Ids are positions; an extension the imager made itself has its name. Raises Invalid."""
    import yaml

    try:
        parsed: Any = yaml.safe_load(text)
        found = {}
        for position, layer in enumerate((parsed or {}).get("layers") or []):
            image, metadata = str(layer.get("image", "")), dict(layer.get("metadata") or {})
            id = str(position) if image else str(metadata.get("name", position))
            found[id] = ExtensionStatus.Spec(image=image, metadata=metadata)
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise errors.Invalid(f"{LIST}: {error}") from error
    return found


class ExtensionStatusController(controller.Controller):
    """Read once: an image does not change. An image without extensions has no list."""

    modes = Mode.MACHINE
    outputs = (controller.exclusive(ExtensionStatus),)

    def __init__(self) -> None:
        self._path = LIST

    async def reconcile(self, r: controller.Handle) -> None:
        """One file, one resource for each layer."""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return
        for id, spec in layers(text).items():
            await r.put(ExtensionStatus(id, spec))
