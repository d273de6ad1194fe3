"""Which volumes a configuration means, how large they become, and which device is taken for one."""

import datetime

import pytest

from talos.base import errors
from talos.machined.controllers.block import _locating, _plan, _sizes, volume_trim_schedule
from talos.machinery.config import loader
from talos.machinery.resources.block import volume_config
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.disk import Disk
from talos.machinery.types.block import FilesystemType, VolumeType

MIB, GIB = 1 << 20, 1 << 30
BASE = b"""version: v1alpha1
machine: {type: worker, token: a, ca: {crt: Cg==}, features: {diskQuotaSupport: true}}
cluster: {controlPlane: {endpoint: https://10.0.0.1:6443}}
"""


def planned(*documents: str) -> dict[str, _plan.Wanted]:
    source = b"---\n".join([BASE, *(f"apiVersion: v1alpha1\n{one}".encode() for one in documents)])
    return {one.id: one for one in _plan.plan(loader.load(source, name="test"))}


@pytest.mark.feature("I011", "I012")
def test_without_a_configuration_nothing_is_made() -> None:
    found = {one.id: one.spec for one in _plan.plan(None)}
    assert set(found) == {"META", "STATE"}
    assert all(not spec.provisioning.disk_selector.match for spec in found.values())


@pytest.mark.feature("I001", "I012", "I013", "I014")
def test_the_systems_own() -> None:
    found = planned()
    assert set(found) == {"META", "STATE", "EPHEMERAL", "ETCD", "CRI", "KUBELET", "LOG"}
    state, ephemeral = found["STATE"].spec, found["EPHEMERAL"].spec
    assert state.provisioning.partition_spec.min_size == state.provisioning.partition_spec.max_size == 100 * MIB
    assert (state.mount.target_path, state.mount.file_mode, state.mount.secure) == ("/system/state", 0o700, True)
    assert state.provisioning.disk_selector.match == ephemeral.provisioning.disk_selector.match == "system_disk"
    assert ephemeral.provisioning.partition_spec.min_size == 2 * GIB
    assert ephemeral.provisioning.partition_spec.grow
    assert ephemeral.mount.project_quota_support
    assert found["ETCD"].spec.type is VolumeType.DIRECTORY
    assert (found["ETCD"].spec.mount.uid, found["ETCD"].spec.mount.target_path) == (60, "/var/lib/etcd")


@pytest.mark.feature("I013", "I014", "F089")
def test_the_systems_own_can_be_placed() -> None:
    found = planned(
        "kind: VolumeConfig\nname: EPHEMERAL\nprovisioning: {diskSelector: {match: disk.size > 10u * GB},"
        " minSize: 5GiB, maxSize: 50%, grow: false}\nmount: {secure: true, disableAccessTime: true}\n",
        "kind: VolumeConfig\nname: ETCD\nprovisioning: {diskSelector: {match: disk.transport == 'nvme'},"
        " maxSize: 4GiB}\n",
    )
    ephemeral, etcd = found["EPHEMERAL"], found["ETCD"]
    part = ephemeral.spec.provisioning.partition_spec
    assert (part.min_size, part.relative_max_size, part.grow) == (5 * GIB, 50, False)
    assert ephemeral.spec.mount.secure
    assert ephemeral.no_access_time
    assert etcd.spec.type is VolumeType.PARTITION
    assert etcd.mounted
    assert etcd.spec.provisioning.partition_spec.label == "ETCD"


@pytest.mark.feature("I018", "I019", "I020", "I021", "I022")
def test_the_users_own() -> None:
    selector = "{match: disk.transport == 'nvme'}"
    found = planned(
        f"kind: UserVolumeConfig\nname: data\nprovisioning: {{diskSelector: {selector}, maxSize: 1GiB}}\n"
        "filesystem: {type: ext4}\n",
        f"kind: UserVolumeConfig\nname: whole\nvolumeType: disk\nprovisioning: {{diskSelector: {selector}}}\n",
        "kind: UserVolumeConfig\nname: plain\nvolumeType: directory\n",
        f"kind: RawVolumeConfig\nname: ceph\nprovisioning: {{diskSelector: {selector}, minSize: 1GiB}}\n",
        "kind: ExistingVolumeConfig\nname: old\ndiscovery: {volumeSelector: {match: volume.label == 'OLD'}}\n"
        "mount: {readOnly: true}\n",
        f"kind: SwapVolumeConfig\nname: s1\nprovisioning: {{diskSelector: {selector}, minSize: 1GiB}}\n",
        "kind: ExternalVolumeConfig\nname: share\nfilesystemType: virtiofs\nmount: {virtiofs: {tag: Data}}\n",
    )
    data, raw, swap = found["u-data"].spec, found["r-ceph"].spec, found["s-s1"].spec
    assert data.provisioning.filesystem_spec.type is FilesystemType.EXT4
    assert data.provisioning.partition_spec.min_size == 100 * MIB
    assert (data.mount.target_path, data.mount.parent_id) == ("/var/mnt/data", "EPHEMERAL")
    assert (found["u-data"].secure, found["u-data"].no_exec) == (True, True)
    assert found["u-whole"].spec.type is VolumeType.DISK
    assert found["u-plain"].spec.type is VolumeType.DIRECTORY
    assert raw.provisioning.filesystem_spec.type is FilesystemType.NONE
    assert not found["r-ceph"].mounted
    assert found["e-old"].read_only
    assert not found["e-old"].spec.provisioning.disk_selector.match
    assert swap.provisioning.partition_spec.type_uuid == "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
    assert found["x-share"].spec.mount.parameters[0].string == "Data"


@pytest.mark.feature("I009")
@pytest.mark.parametrize(
    ("wanted", "disk", "available", "size"),
    [
        ({"min_size": GIB}, 10 * GIB, 4 * GIB, 4 * GIB),
        ({"min_size": GIB}, 10 * GIB, GIB - 1, None),
        ({"max_size": GIB}, 10 * GIB, 4 * GIB, GIB),
        ({"min_size": 2 * GIB, "max_size": 3 * GIB}, 10 * GIB, 2 * GIB + 5, 2 * GIB),
        ({"relative_max_size": 25}, 8 * GIB, 8 * GIB, 2 * GIB),
        ({"max_size": GIB, "negative_max_size": True}, 8 * GIB, 4 * GIB, 3 * GIB),
        ({"max_size": 5 * GIB, "negative_max_size": True}, 8 * GIB, 4 * GIB, None),
        ({"relative_max_size": 25, "negative_max_size": True}, 8 * GIB, 4 * GIB, 2 * GIB),
        ({}, 8 * GIB, 0, None),
    ],
)
def test_sizes_of_partitions(wanted: dict[str, int], disk: int, available: int, size: int | None) -> None:
    assert _plan.size(volume_config.PartitionSpec(**wanted), disk, available) == size  # type: ignore[arg-type]


def disk(name: str, **facts: object) -> Disk:
    return Disk(name, Disk.Spec(dev_path=f"/dev/{name}", size=10 * GIB, **facts))  # type: ignore[arg-type]


def partition(name: str, label: str, parent: str) -> DiscoveredVolume:
    spec = DiscoveredVolume.Spec(
        dev_path=f"/dev/{name}", parent=parent, partition_label=label, size=MIB, type="partition"
    )
    return DiscoveredVolume(name, spec)


def view(*, system: str = "vda") -> _locating.View:
    disks = [disk("vda"), disk("vdb", transport="nvme"), disk("vdc", transport="nvme"), disk("sr0", cdrom=True)]
    volumes = [
        partition("vda1", "META", "vda"),
        partition("vda2", "STATE", "vda"),
        partition("vdb1", "STATE", "vdb"),
        partition("vdb2", "u-data", "vdb"),
        partition("vdc1", "u-data", "vdc"),
        *(DiscoveredVolume(one.id, DiscoveredVolume.Spec(dev_path=one.spec.dev_path, type="disk")) for one in disks),
    ]
    return _locating.View(volumes, disks, system, complete=True)


def test_state_is_that_of_the_system_disk_and_of_no_other() -> None:
    wanted = _plan.state(make=True)
    found = _locating.locate("STATE", wanted.spec, view())
    assert found is not None
    assert found.id == "vda2"
    assert _locating.locate("STATE", wanted.spec, view(system="")) is None


def test_several_matches_are_an_error_that_names_them() -> None:
    spec = planned(
        "kind: UserVolumeConfig\nname: data\nprovisioning: {diskSelector: {match: '!system_disk'}, maxSize: 1GiB}\n"
    )["u-data"].spec
    with pytest.raises(errors.Conflict, match="u-data: vdb2, vdc1 match"):
        _locating.locate("u-data", spec, view())


def test_places_follow_the_selector_and_are_ambiguous_for_a_system_volume_only() -> None:
    spec = planned(
        "kind: UserVolumeConfig\nname: new\nprovisioning: {diskSelector: {match: disk.transport == 'nvme'},"
        " maxSize: 1GiB}\n"
    )["u-new"].spec
    assert [one.id for one in _locating.places("u-new", spec, view(), system=False)] == ["vdb", "vdc"]
    with pytest.raises(errors.Conflict, match="vdb, vdc match"):
        _locating.places("EPHEMERAL", spec, view(), system=True)


def test_a_whole_disk_is_never_the_systems() -> None:
    spec = planned(
        "kind: UserVolumeConfig\nname: w\nvolumeType: disk\n"
        "provisioning: {diskSelector: {match: disk.transport == ''}}\n"
    )["u-w"].spec
    assert _locating.locate("u-w", spec, view()) is None
    found = _locating.locate("u-w", spec, view(system="vdb"))
    assert found is not None
    assert found.id == "vda"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1 << 20, "1.0 MB"),
        (100 << 20, "105 MB"),
        (6 << 30, "6.4 GB"),
        (999_999, "1.0 MB"),
        (10**13, "10 TB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert _sizes.pretty(size) == text


@pytest.mark.feature("E015", "I034")
def test_the_moment_of_trimming_is_the_nodes_own_and_stays() -> None:
    week, now = datetime.timedelta(days=7), datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
    first = volume_trim_schedule.next_time(now, week, "node", "EPHEMERAL")
    assert now < first <= now + week
    assert volume_trim_schedule.next_time(first - datetime.timedelta(seconds=1), week, "node", "EPHEMERAL") == first
    assert volume_trim_schedule.next_time(first, week, "node", "EPHEMERAL") == first + week
    assert volume_trim_schedule.next_time(now, week, "other", "EPHEMERAL") != first
