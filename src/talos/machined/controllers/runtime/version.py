"""The version that runs."""

from __future__ import annotations

from talos.base.constants import versions
from talos.cosi import controller
from talos.machinery.resources.runtime.version import Version


class VersionController(controller.Controller):
    """A constant as a resource."""

    outputs = (controller.exclusive(Version),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource."""
        await r.put(Version("version", Version.Spec(name="Talos", version=versions.TALOS)))
