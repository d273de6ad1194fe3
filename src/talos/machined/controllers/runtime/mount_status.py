"""Mounted volumes in the form of earlier releases, for clients that ask for that."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.block import mount_status as block
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.resources.runtime.mount_status import MountStatus
from talos.machinery.types.block import EncryptionProviderType


def spec(mount: block.MountStatus.Spec, volume: VolumeStatus.Spec | None) -> MountStatus.Spec:
    """A mount, and what its volume says of encryption."""
    encrypted = mount.encryption_provider is not EncryptionProviderType.NONE
    keys = volume.configured_encryption_keys if volume is not None and encrypted else ()
    return MountStatus.Spec(
        source=mount.source,
        target=mount.target,
        filesystem_type=str(mount.filesystem),
        options=("ro",) if mount.read_only else (),
        encrypted=encrypted,
        encryption_providers=tuple(keys),
    )


class MountStatusController(controller.Controller):
    """One resource from each."""

    modes = Mode.MACHINE
    inputs = (controller.weak(block.MountStatus), controller.weak(VolumeStatus))
    outputs = (controller.exclusive(MountStatus),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Ids are those of the volumes."""
        volumes = {one.id: one.spec for one in await r.list(VolumeStatus)}
        for one in await r.list(block.MountStatus):
            id = one.spec.spec.volume_id
            await r.put(MountStatus(id, spec(one.spec, volumes.get(id))))
