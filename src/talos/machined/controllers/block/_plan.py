"""The volumes a node has, from its configuration: pure data, tested as a table.

META, STATE, EPHEMERAL            on the system disk; the last two only once there is a configuration
ETCD, CRI, KUBELET, LOG           directories of EPHEMERAL unless they are given a partition of their own
u-, r-, e-, s-, x- <name>         of the user: file systems, raw, existing, swap, shared by a host
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from talos.base.constants import partitions, paths
from talos.linux import gpt
from talos.machined.controllers.block import _selectors
from talos.machinery.config import container, values
from talos.machinery.config.documents.block import (
    _sections,
    existing_volume,
    external_volume,
    filesystem_trim,
    raw_volume,
    swap_volume,
    user_volume,
    volume,
)
from talos.machinery.resources.block import volume_config
from talos.machinery.types.block import FilesystemType, FSParameterType, VolumeType

SYSTEM_WAVE, USER_WAVE = -1, 0
STATE_MOUNT, EPHEMERAL_MOUNT, USER_MOUNT = str(paths.STATE), str(paths.EPHEMERAL), "/var/mnt"
TRIM_INTERVAL = datetime.timedelta(days=7)
_MIB = 1 << 20
USER_MIN_BYTES = 100 * _MIB

Spec = volume_config.VolumeConfig.Spec


@dataclass(frozen=True, slots=True)
class Wanted:
    """One volume, and how it is mounted when nobody but the node itself asks for it."""

    id: str
    spec: Spec
    mounted: bool = False
    read_only: bool = False
    no_access_time: bool = False
    secure: bool = False
    no_exec: bool = False


@dataclass(frozen=True, slots=True)
class _Directory:
    path: str
    mode: int
    uid: int = 0


_PROMOTABLE = {
    "ETCD": _Directory("/var/lib/etcd", 0o700, 60),
    "CRI": _Directory("/var/lib/containerd", 0o700),
    "KUBELET": _Directory("/var/lib/kubelet", 0o700),
    "LOG": _Directory("/var/log", 0o755),
}


def _size(text: str) -> tuple[int, int, bool]:
    """maxSize -> bytes, percent, and whether it is what is left free instead."""
    if not text:
        return 0, 0, False
    plain, negative = text.removeprefix("-"), text.startswith("-")
    if plain.endswith("%"):
        return 0, values.parse_percentage(plain), negative
    return values.parse_size(plain), 0, negative


def _partition(
    label: str, given: _sections.ProvisioningSpec | None, *, least: int, grow: bool, kind: str = ""
) -> volume_config.PartitionSpec:
    largest, percent, negative = _size(given.max_size if given else "")
    return volume_config.PartitionSpec(
        min_size=values.parse_size(given.min_size) if given and given.min_size else least,
        max_size=largest,
        relative_max_size=percent,
        negative_max_size=negative,
        grow=given.grow if given and given.grow is not None else grow,
        label=label,
        type_uuid=kind or str(gpt.LINUX_DATA),
    )


def _selector(given: _sections.ProvisioningSpec | None, default: str = "") -> volume_config.DiskSelector:
    match = given.disk_selector.match if given and given.disk_selector else ""
    return volume_config.DiskSelector(match=match or default)


def _group_size(given: _sections.XFSSpec | None) -> int:
    return values.parse_size(given.min_allocation_group_size) if given and given.min_allocation_group_size else 0


def _filesystem(kind: FilesystemType, label: str, group: int = 0) -> volume_config.FilesystemSpec:
    return volume_config.FilesystemSpec(type=kind, label=label, min_allocation_group_size=group)


def _system_partition(
    id: str, doc: volume.VolumeConfig | None, mount: volume_config.MountSpec, *, least: int, parent: str = ""
) -> Spec:
    given = doc.provisioning if doc else None
    filesystem = doc.filesystem if doc else None
    selector = _selector(given, _selectors.SYSTEM_DISK)
    return Spec(
        parent_id=parent,
        type=VolumeType.PARTITION,
        # Disks of other systems have partitions of the same name.
        locator=volume_config.LocatorSpec(match=_selectors.label(id), disk_match=selector.match),
        provisioning=volume_config.ProvisioningSpec(
            wave=SYSTEM_WAVE,
            disk_selector=selector,
            partition_spec=_partition(id, given, least=least, grow=True),
            filesystem_spec=_filesystem(FilesystemType.XFS, id, _group_size(filesystem.xfs if filesystem else None)),
        ),
        mount=mount,
    )


def meta() -> Wanted:
    """META: found, never made. Two disks with one are an error, because each could be the system's."""
    locator = volume_config.LocatorSpec(match=_selectors.label(partitions.META))
    return Wanted(partitions.META, Spec(type=VolumeType.PARTITION, locator=locator))


def state(*, make: bool) -> Wanted:
    """STATE: without a configuration it is found but not made, and one that was emptied counts as missing."""
    provisioning = volume_config.ProvisioningSpec()
    if make:
        provisioning = volume_config.ProvisioningSpec(
            wave=SYSTEM_WAVE,
            disk_selector=volume_config.DiskSelector(match=_selectors.SYSTEM_DISK),
            partition_spec=volume_config.PartitionSpec(
                min_size=partitions.STATE_BYTES,
                max_size=partitions.STATE_BYTES,
                label=partitions.STATE,
                type_uuid=str(gpt.LINUX_DATA),
            ),
            filesystem_spec=_filesystem(FilesystemType.XFS, partitions.STATE),
        )
    spec = Spec(
        type=VolumeType.PARTITION,
        locator=volume_config.LocatorSpec(
            match=_selectors.label(partitions.STATE, filled=not make), disk_match=_selectors.SYSTEM_DISK
        ),
        provisioning=provisioning,
        mount=volume_config.MountSpec(target_path=STATE_MOUNT, file_mode=0o700, secure=True, no_exec=True),
    )
    return Wanted(partitions.STATE, spec)


def _promotable(config: container.Container, docs: dict[str, volume.VolumeConfig]) -> list[Wanted]:
    found = []
    for id, place in _PROMOTABLE.items():
        doc = docs.get(id)
        mount = volume_config.MountSpec(
            target_path=place.path,
            parent_id=partitions.EPHEMERAL,
            file_mode=place.mode,
            uid=place.uid,
            gid=place.uid,
            secure=bool(doc and doc.mount and doc.mount.secure),
        )
        if doc is not None and doc.provisioning is not None:
            spec = _system_partition(id, doc, mount, least=USER_MIN_BYTES, parent=partitions.EPHEMERAL)
        else:
            spec = Spec(parent_id=partitions.EPHEMERAL, type=VolumeType.DIRECTORY, mount=mount)
        own = spec.type is VolumeType.PARTITION
        found.append(Wanted(id, _trimmed(spec, doc.trim if doc else None, config), mounted=own))
    return found


def _trimmed(spec: Spec, given: _sections.TrimConfig | None, config: container.Container) -> Spec:
    """With the settings of trimming, of the volume or of all of them."""
    common = config.one(filesystem_trim.FilesystemTrimConfig)
    enabled = given.enabled if given and given.enabled is not None else common is not None
    interval = (given and given.interval) or (common and common.interval) or TRIM_INTERVAL
    return _replace(spec, trim_enabled=enabled, trim_interval=interval if enabled else datetime.timedelta())


def _replace(spec: Spec, **changes: object) -> Spec:
    import msgspec

    return msgspec.structs.replace(spec, **changes)


def _ephemeral(config: container.Container, doc: volume.VolumeConfig | None) -> Wanted:
    machine = config.v1alpha1.machine if config.v1alpha1 else None
    features = machine.features if machine else None
    mount = volume_config.MountSpec(
        target_path=EPHEMERAL_MOUNT,
        file_mode=0o755,
        project_quota_support=bool(features and features.disk_quota_support),
        secure=bool(doc and doc.mount and doc.mount.secure),
    )
    spec = _system_partition(partitions.EPHEMERAL, doc, mount, least=partitions.EPHEMERAL_MIN_BYTES)
    quiet = bool(doc and doc.mount and doc.mount.disable_access_time)
    return Wanted(partitions.EPHEMERAL, _trimmed(spec, doc.trim if doc else None, config), no_access_time=quiet)


def _user_mount(name: str, mode: int = 0o755) -> volume_config.MountSpec:
    return volume_config.MountSpec(
        target_path=f"{USER_MOUNT}/{name}", parent_id=partitions.EPHEMERAL, file_mode=mode, secure=True, no_exec=True
    )


def _user(doc: user_volume.UserVolumeConfig, config: container.Container) -> Wanted:
    id, given = f"u-{doc.name}", doc.provisioning
    secure = not (doc.mount and doc.mount.secure is False)
    quiet = bool(doc.mount and doc.mount.disable_access_time)
    mount = _replace_mount(_user_mount(doc.name), secure=secure, no_exec=secure)
    if doc.volume_type == "directory":
        spec = Spec(parent_id=partitions.EPHEMERAL, type=VolumeType.DIRECTORY, mount=mount)
        return Wanted(id, spec, mounted=True, secure=secure, no_exec=secure)
    filesystem = doc.filesystem or user_volume.FilesystemSpec()
    kind = next(one for one in FilesystemType if one.value == (filesystem.type or "xfs"))
    mount = _replace_mount(mount, project_quota_support=bool(filesystem.project_quota_support))
    whole = doc.volume_type == "disk"
    match = given.disk_selector.match if given and given.disk_selector else ""
    spec = Spec(
        parent_id=partitions.EPHEMERAL,
        type=VolumeType.DISK if whole else VolumeType.PARTITION,
        # Only on the disks the user chose: another one may hold a volume of that name from elsewhere.
        locator=volume_config.LocatorSpec(match="" if whole else _selectors.label(id), disk_match=match),
        provisioning=volume_config.ProvisioningSpec(
            wave=USER_WAVE,
            disk_selector=_selector(given),
            partition_spec=volume_config.PartitionSpec()
            if whole
            else _partition(id, given, least=USER_MIN_BYTES, grow=False),
            filesystem_spec=_filesystem(kind, id, _group_size(filesystem.xfs)),
        ),
        mount=mount,
    )
    spec = _trimmed(spec, doc.trim, config)
    return Wanted(id, spec, mounted=True, no_access_time=quiet, secure=secure, no_exec=secure)


def _replace_mount(spec: volume_config.MountSpec, **changes: object) -> volume_config.MountSpec:
    import msgspec

    return msgspec.structs.replace(spec, **changes)


def _raw(doc: raw_volume.RawVolumeConfig) -> Wanted:
    return Wanted(f"r-{doc.name}", _bare(f"r-{doc.name}", doc.provisioning, FilesystemType.NONE))


def _bare(id: str, given: _sections.ProvisioningSpec | None, kind: FilesystemType) -> Spec:
    swap = kind is FilesystemType.SWAP
    return Spec(
        type=VolumeType.PARTITION,
        locator=volume_config.LocatorSpec(match=_selectors.label(id), disk_match=_selector(given).match),
        provisioning=volume_config.ProvisioningSpec(
            wave=USER_WAVE,
            disk_selector=_selector(given),
            partition_spec=_partition(
                id, given, least=USER_MIN_BYTES, grow=False, kind=str(gpt.LINUX_SWAP) if swap else ""
            ),
            filesystem_spec=_filesystem(kind, id if swap else ""),
        ),
    )


def _existing(doc: existing_volume.ExistingVolumeConfig, config: container.Container) -> Wanted:
    selector = doc.discovery.volume_selector if doc.discovery else None
    secure = not (doc.mount and doc.mount.secure is False)
    spec = Spec(
        parent_id=partitions.EPHEMERAL,
        type=VolumeType.PARTITION,
        locator=volume_config.LocatorSpec(match=selector.match if selector else ""),
        mount=_replace_mount(_user_mount(doc.name), secure=secure, no_exec=secure),
    )
    return Wanted(
        f"e-{doc.name}",
        _trimmed(spec, doc.trim, config),
        mounted=True,
        read_only=bool(doc.mount and doc.mount.read_only),
        no_access_time=bool(doc.mount and doc.mount.disable_access_time),
        secure=secure,
        no_exec=secure,
    )


def _external(doc: external_volume.ExternalVolumeConfig) -> Wanted:
    share = doc.mount.virtiofs if doc.mount else None
    secure = not (doc.mount and doc.mount.secure is False)
    source = volume_config.ParameterSpec(
        type=FSParameterType.STRING_VALUE, name="source", string=share.tag if share else ""
    )
    mount = _replace_mount(_user_mount(doc.name), secure=secure, no_exec=secure, parameters=(source,))
    spec = Spec(
        parent_id=partitions.EPHEMERAL,
        type=VolumeType.EXTERNAL,
        provisioning=volume_config.ProvisioningSpec(
            wave=USER_WAVE, filesystem_spec=_filesystem(FilesystemType.VIRTIOFS, "")
        ),
        mount=mount,
    )
    return Wanted(
        f"x-{doc.name}",
        spec,
        mounted=True,
        read_only=bool(doc.mount and doc.mount.read_only),
        no_access_time=bool(doc.mount and doc.mount.disable_access_time),
        secure=secure,
        no_exec=secure,
    )


def plan(config: container.Container | None) -> list[Wanted]:
    """All volumes for a configuration; without one only what is looked for at every boot."""
    complete = config is not None and config.v1alpha1 is not None
    found = [meta(), state(make=complete)]
    if config is None or not complete:
        return found
    docs = {doc.name: doc for doc in config.all(volume.VolumeConfig)}
    found.append(_ephemeral(config, docs.get(partitions.EPHEMERAL)))
    found += _promotable(config, docs)
    found += [_user(doc, config) for doc in config.all(user_volume.UserVolumeConfig)]
    found += [_raw(doc) for doc in config.all(raw_volume.RawVolumeConfig)]
    found += [_existing(doc, config) for doc in config.all(existing_volume.ExistingVolumeConfig)]
    found += [_external(doc) for doc in config.all(external_volume.ExternalVolumeConfig)]
    for doc in config.all(swap_volume.SwapVolumeConfig):
        id = f"s-{doc.name}"
        found.append(Wanted(id, _bare(id, doc.provisioning, FilesystemType.SWAP), mounted=True))
    return found


def size(spec: volume_config.PartitionSpec, disk: int, available: int) -> int | None:
    """Bytes of a partition to make on a disk of `disk` bytes with a gap of `available`; None: it does not fit."""
    largest = spec.max_size
    if spec.relative_max_size:
        largest = math.floor(disk * spec.relative_max_size / 100)
    if spec.negative_max_size:
        largest = max(0, available - largest)
        if not largest:
            return None
    wanted = min(largest or available, available) // _MIB * _MIB
    return wanted if wanted >= max(spec.min_size, _MIB) else None
