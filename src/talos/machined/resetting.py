"""What a reset wipes: the request against what the node has, found before anything is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from talos.base import errors
from talos.base.constants import partitions
from talos.machined.sequences import Reset
from talos.machinery.api._generated.machine import machine_pb2

_Request = machine_pb2.ResetRequest
_CONTAINER = (partitions.STATE, partitions.EPHEMERAL)


@dataclass(frozen=True, slots=True)
class Storage:
    """Disks and volumes of a machine, by /dev names."""

    system_disk: str = ""
    disks: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume -> /dev name, for volumes with a device of their own."""


def plan(request: machine_pb2.ResetRequest, storage: Storage | None) -> Reset:
    """Return what to do. Raises Invalid, Unsupported, NotFound for what cannot be wiped."""
    labels = list(dict.fromkeys(spec.label for spec in request.system_partitions_to_wipe if spec.wipe))
    disks = list(dict.fromkeys(request.user_disks_to_wipe))
    if request.mode == _Request.USER_DISKS and labels:
        raise errors.Invalid("wipe mode user-disks leaves the system's partitions alone, yet some are named")
    if request.mode == _Request.SYSTEM_DISK and disks:
        raise errors.Invalid("wipe mode system-disk leaves the user's disks alone, yet some are named")
    if request.mode == _Request.USER_DISKS and not disks:
        raise errors.Invalid("wipe mode user-disks needs the names of the disks")
    reset = Reset(graceful=request.graceful, reboot=request.reboot)
    system = request.mode != _Request.USER_DISKS
    if storage is None:
        return _container(reset, labels, disks, system=system)
    chosen = _user_disks(disks, storage)
    if labels:
        chosen += [_device(label, storage) for label in labels]
    elif system and storage.system_disk:
        chosen.append(storage.system_disk)
    return Reset(graceful=reset.graceful, reboot=reset.reboot, devices=tuple(chosen))


def _container(reset: Reset, labels: list[str], disks: list[str], *, system: bool) -> Reset:
    if disks:
        raise errors.Unsupported("wiping disks is not supported in container mode")
    for label in labels:
        if label not in _CONTAINER:
            raise errors.NotFound(
                f"there is no volume {label!r} in container mode (there are: {', '.join(_CONTAINER)})"
            )
    chosen = tuple(label for label in _CONTAINER if label in labels or (system and not labels))
    return Reset(graceful=reset.graceful, reboot=reset.reboot, partitions=chosen)


def _user_disks(disks: list[str], storage: Storage) -> list[str]:
    for disk in disks:
        if disk not in storage.disks:
            raise errors.NotFound(f"there is no disk {disk!r}")
        if disk == storage.system_disk:
            raise errors.Invalid(f"{disk} is the system disk, no disk of the user")
        if disk in storage.read_only:
            raise errors.Invalid(f"{disk} is read-only")
    return disks


def _device(label: str, storage: Storage) -> str:
    try:
        return storage.volumes[label]
    except KeyError:
        known = ", ".join(sorted(storage.volumes)) or "none"
        raise errors.NotFound(
            f"there is no volume {label!r} with a partition of its own (there are: {known})"
        ) from None
