"""Values of META as resources, and whether they have been read."""

from __future__ import annotations

from pathlib import Path

from talos.base.constants import partitions
from talos.boot import meta as adv
from talos.cosi import controller
from talos.machined import meta
from talos.machined.modes import Mode
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.resources.runtime.meta_key import MetaKey
from talos.machinery.resources.runtime.meta_load import META_LOADED_ID, MetaLoad
from talos.machinery.types.block import VolumePhase


class MetaKeyController(controller.Controller):
    """Opens META when its volume is ready; one that is missing counts as read and empty."""

    inputs = (controller.weak(VolumeStatus, id=partitions.META),)
    outputs = (controller.exclusive(MetaKey), controller.exclusive(MetaLoad))
    modes = Mode.MACHINE

    def __init__(self, values: meta.Meta) -> None:
        self._meta = values

    async def run(self, r: controller.Handle) -> None:
        """Wake when a value is changed, too."""
        self._meta.listeners.append(r.wake)
        try:
            await super().run(r)
        finally:
            self._meta.listeners.remove(r.wake)

    async def reconcile(self, r: controller.Handle) -> None:
        """Values are shown as text; what is no text is shown as far as it is."""
        volume = await r.find(VolumeStatus, partitions.META)
        if volume is None or volume.spec.phase not in (VolumePhase.READY, VolumePhase.MISSING):
            return
        if volume.spec.phase is VolumePhase.READY and self._meta.path is None:
            await self._meta.open(Path(volume.spec.location))
        for tag, value in self._meta.values.items():
            await r.put(MetaKey(adv.resource_id(tag), MetaKey.Spec(value=value.decode(errors="replace"))))
        await r.put(MetaLoad(META_LOADED_ID, MetaLoad.Spec(done=True)))
