"""The controllers of disks and volumes on real disks (loop devices): from two disks that look alike to mounted volumes
on one of them, over a restart, and back.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.machined.controllers.running import running

from talos.boot import meta as adv
from talos.cosi import controller, inmem, state
from talos.linux import blkid, block, gpt, loop, mount, partitioning, swap_area
from talos.machined import meta
from talos.machined.controllers.block import _plan
from talos.machined.controllers.block.devices import DevicesController
from talos.machined.controllers.block.discovered_volumes_status import DiscoveredVolumesStatusController
from talos.machined.controllers.block.discovery import DiscoveryController
from talos.machined.controllers.block.disks import DisksController
from talos.machined.controllers.block.mount import MountController
from talos.machined.controllers.block.mount_request import MountRequestController
from talos.machined.controllers.block.mount_status import MountStatusController
from talos.machined.controllers.block.swap_status import SwapStatusController
from talos.machined.controllers.block.system_disk import SystemDiskController
from talos.machined.controllers.block.volume_config import VolumeConfigController
from talos.machined.controllers.block.volume_manager import VolumeManagerController
from talos.machined.controllers.runtime.meta_keys import MetaKeyController
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.block.swap_status import SwapStatus
from talos.machinery.resources.block.system_disk import SystemDisk
from talos.machinery.resources.block.volume_lifecycle import VolumeLifecycle
from talos.machinery.resources.block.volume_mount_request import VolumeMountRequest
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.meta_key import MetaKey
from talos.machinery.types.block import VolumePhase

MIB = 1 << 20
WAIT_S = 30.0
BASE = """version: v1alpha1
machine: {type: worker, token: a, ca: {crt: Cg==}}
cluster: {controlPlane: {endpoint: https://10.0.0.1:6443}}
"""
SMALL_EPHEMERAL = """---
apiVersion: v1alpha1
kind: VolumeConfig
name: EPHEMERAL
provisioning: {minSize: 320MiB, maxSize: 320MiB}
"""

pytestmark = pytest.mark.needs_root


@dataclass
class Disk:
    file: Path
    device: loop.Device

    @property
    def name(self) -> str:
        return self.device.path.name

    def digest(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


@contextlib.contextmanager
def attached(file: Path, size: int) -> Iterator[Disk]:
    if not file.exists():
        with file.open("wb") as made:
            made.truncate(size)
    with loop.attach(file, partitions=True) as device:
        try:
            disk = Disk(file, device)
            announce(disk)
            yield disk
        finally:
            _release(device)


def announce(disk: Disk) -> None:
    """Tell the kernel of the partitions, because one that is built without GPT does not read them itself."""
    opened = blkid.open_reader(disk.device.fd)
    table = gpt.read(opened.read, opened.size)
    for part in table.partitions if table else ():
        with contextlib.suppress(OSError):
            block.add_partition(disk.device.fd, part.number, part.first * 512, part.sectors * 512)


def _release(device: loop.Device) -> None:
    """Undo what a test that failed left mounted or swapped to."""
    for area in swap_area.active():
        if area.device.startswith(f"{device.path}p"):
            swap_area.disable(area.device)
    for mounted in reversed(mount.table()):
        if mounted.source.startswith(f"{device.path}p"):
            mount.unmount(mounted.target, mount.Detach.LAZY)


def system_table(disk: Disk) -> None:
    for label, size in (("EFI", 4 * MIB), ("META", MIB)):
        partitioning.add(str(disk.device.path), 512, label=label, type=gpt.LINUX_DATA, size=size)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Mount points below a folder of the test's own instead of the node's."""
    monkeypatch.setattr(_plan, "STATE_MOUNT", str(tmp_path / "state"))
    monkeypatch.setattr(_plan, "EPHEMERAL_MOUNT", str(tmp_path / "var"))
    monkeypatch.setattr(_plan, "USER_MOUNT", str(tmp_path / "var" / "mnt"))
    return tmp_path


@contextlib.asynccontextmanager
async def node(disks: list[Disk], values: meta.Meta, folder: Path) -> AsyncIterator[inmem.InMemory]:
    loaded = folder / "drivers-loaded"
    loaded.touch()
    made: list[controller.Controller] = [
        DevicesController(loaded, frozenset(disk.name for disk in disks)),
        DiscoveryController(),
        DisksController(),
        SystemDiskController(),
        DiscoveredVolumesStatusController(),
        VolumeConfigController(),
        VolumeManagerController(),
        MountRequestController(),
        MountController(),
        MountStatusController(),
        SwapStatusController(),
        MetaKeyController(values),
    ]
    async with running(*made) as (store, _):
        await state.put(store, VolumeLifecycle("volumes"))
        yield store


async def phase(store: inmem.InMemory, id: str, *phases: VolumePhase) -> VolumeStatus.Spec:
    found = await state.wait_for(
        store, VolumeStatus, id, lambda one: one is not None and one.spec.phase in phases, timeout_s=WAIT_S
    )
    assert found is not None
    return found.spec


async def gone(store: inmem.InMemory, kind: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while await store.list(kind):
            await asyncio.sleep(0.05)


async def request(store: inmem.InMemory, id: str) -> MountStatus.Spec:
    wish = VolumeMountRequest.Spec(volume_id=id, requester="test")
    await state.put(store, VolumeMountRequest(f"test/{id}", wish))
    found = await state.wait_for(store, MountStatus, id, lambda one: one is not None, timeout_s=WAIT_S)
    assert found is not None
    return found.spec


async def configure(store: inmem.InMemory, *documents: str) -> None:
    source = (BASE + SMALL_EPHEMERAL + "".join(documents)).encode()
    await state.put(store, MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source)))


async def close(store: inmem.InMemory) -> None:
    await state.teardown_and_destroy(store, VolumeLifecycle, "volumes", timeout_s=5)
    for one in await store.list(VolumeMountRequest):
        if one.spec.requester == "test":
            await state.teardown_and_destroy(store, VolumeMountRequest, one.id, timeout_s=5)
    await gone(store, MountStatus)


def blkid_table(disk: Disk) -> tuple[gpt.Partition, ...]:
    opened = blkid.open_reader(disk.device.fd)
    table = gpt.read(opened.read, opened.size)
    assert table is not None
    return table.partitions


def labels(disk: Disk) -> set[str]:
    return {part.label for part in blkid_table(disk)}


def user_documents(disk: Disk) -> list[str]:
    place = f"diskSelector: {{match: \"disk.dev_path == '{disk.device.path}'\"}}"
    kinds = (
        ("UserVolumeConfig", "data", "filesystem: {type: ext4}\n", "maxSize: 128MiB"),
        ("RawVolumeConfig", "raw", "", "minSize: 100MiB, maxSize: 100MiB"),
        ("SwapVolumeConfig", "swap", "", "minSize: 100MiB, maxSize: 100MiB"),
    )
    return [
        f"---\napiVersion: v1alpha1\nkind: {kind}\nname: {name}\n{extra}provisioning: {{{place}, {size}}}\n"
        for kind, name, extra, size in kinds
    ]


@pytest.mark.feature("E001", "E002", "E003", "E004", "E005", "E006", "E007", "E008", "E010", "E012", "E013")
@pytest.mark.feature("I006", "I009", "I012", "I013", "I018", "I019", "I022", "I032", "I033")
async def test_volumes_are_made_on_the_chosen_disk_and_the_other_is_left_alone(places: Path, tmp_path: Path) -> None:
    """The other disk looks like one of an earlier system: the labels of all volumes, but no META."""
    with attached(tmp_path / "system", 1024 * MIB) as system, attached(tmp_path / "alike", 1024 * MIB) as alike:
        system_table(system)
        for label, size in (("EFI", 4), ("STATE", 100), ("EPHEMERAL", 320), ("u-data", 128), ("r-raw", 100)):
            partitioning.add(str(alike.device.path), 512, label=label, type=gpt.LINUX_DATA, size=size * MIB)
        before, values = alike.digest(), meta.Meta()
        await values.change(adv.Tag.USER_1, b"early")
        async with node([system, alike], values, tmp_path) as store:
            await phase(store, "META", VolumePhase.READY)
            await phase(store, "STATE", VolumePhase.MISSING)
            assert [one.spec.disk_id for one in await store.list(SystemDisk)] == [system.name]
            await configure(store, *user_documents(system))
            made = await phase(store, "STATE", VolumePhase.READY)
            assert (made.parent_location, made.size) == (str(system.device.path), 100 * MIB)
            await phase(store, "EPHEMERAL", VolumePhase.READY)
            for id in ("STATE", "EPHEMERAL"):
                mounted = await request(store, id)
                assert mount.is_mounted(mounted.target)
            await state.wait_for(store, MountStatus, "u-data", lambda one: one is not None, timeout_s=WAIT_S)
            await state.wait_for(store, MountStatus, "s-swap", lambda one: one is not None, timeout_s=WAIT_S)
            assert (await phase(store, "r-raw", VolumePhase.READY)).mount_location
            data = mount.find(places / "var" / "mnt" / "data")
            assert data is not None
            assert {"nosuid", "nodev", "noexec"} <= set(data.options)
            assert data.fs_type == "ext4"
            assert (places / "state").stat().st_mode & 0o777 == 0o700
            (places / "var" / "mnt" / "data" / "kept").write_text("kept")
            async with asyncio.timeout(WAIT_S):
                while not [one for one in await store.list(SwapStatus) if system.name in one.spec.device]:
                    await asyncio.sleep(0.05)
            await close(store)
        assert not [area for area in swap_area.active() if system.name in area.device]
        assert labels(system) == {"EFI", "META", "STATE", "EPHEMERAL", "u-data", "r-raw", "s-swap"}
        async with node([system, alike], meta.Meta(), tmp_path) as store:
            kept = await state.wait_for(store, MetaKey, "0x0c", lambda one: one is not None, timeout_s=WAIT_S)
            assert kept is not None
            assert kept.spec.value == "early"
            await configure(store, *user_documents(system))
            await request(store, "EPHEMERAL")
            await state.wait_for(store, MountStatus, "u-data", lambda one: one is not None, timeout_s=WAIT_S)
            assert (places / "var" / "mnt" / "data" / "kept").read_text() == "kept"
            await close(store)
        assert alike.digest() == before


@pytest.mark.feature("I006")
async def test_two_disks_with_meta_are_an_error_and_neither_is_written_to(places: Path, tmp_path: Path) -> None:
    with attached(tmp_path / "one", 500 * MIB) as one, attached(tmp_path / "two", 500 * MIB) as two:
        system_table(one)
        system_table(two)
        before = one.digest(), two.digest()
        async with node([one, two], meta.Meta(), tmp_path) as store:
            failed = await phase(store, "META", VolumePhase.FAILED)
            assert "nothing says which is meant" in failed.error_message
            assert one.name in failed.error_message
            await configure(store)
            await phase(store, "STATE", VolumePhase.MISSING)
            await phase(store, "EPHEMERAL", VolumePhase.MISSING)
            assert await store.list(SystemDisk) == []
        assert (one.digest(), two.digest()) == before


@pytest.mark.feature("I009", "I032")
async def test_what_holds_something_is_not_formatted_over(places: Path, tmp_path: Path) -> None:
    """A disk without a table but with a file system, and a partition of the right name with another one."""
    from talos.linux import filesystem

    with attached(tmp_path / "system", 1024 * MIB) as system, attached(tmp_path / "full", 512 * MIB) as full:
        system_table(system)
        made = partitioning.add(str(system.device.path), 512, label="u-data", type=gpt.LINUX_DATA, size=128 * MIB)
        await filesystem.make("swap", made.device, label="theirs")
        await filesystem.make("ext4", str(full.device.path), label="precious")
        before = full.digest()
        document = (
            "---\napiVersion: v1alpha1\nkind: RawVolumeConfig\nname: raw\n"
            f"provisioning: {{diskSelector: {{match: \"disk.dev_path == '{full.device.path}'\"}}, minSize: 100MiB}}\n"
        )
        async with node([system, full], meta.Meta(), tmp_path) as store:
            await configure(store, document, user_documents(system)[0])
            refused = await phase(store, "r-raw", VolumePhase.FAILED)
            assert "holds ext4" in refused.error_message
            other = await phase(store, "u-data", VolumePhase.FAILED)
            assert "holds swap, not ext4" in other.error_message
        assert full.digest() == before
        found = blkid.probe_path(made.device)
        assert found is not None
        assert found.label == "theirs"


@pytest.mark.feature("I031")
async def test_ephemeral_follows_a_disk_that_has_grown(places: Path, tmp_path: Path) -> None:
    growing = SMALL_EPHEMERAL.replace(", maxSize: 320MiB", "")
    file = tmp_path / "system"
    sizes: list[int] = []
    for size in (640 * MIB, 1024 * MIB):
        with file.open("ab") as grown:
            grown.truncate(size)
        with attached(file, size) as system:
            if not sizes:
                system_table(system)
            async with node([system], meta.Meta(), tmp_path) as store:
                source = (BASE + growing).encode()
                await state.put(store, MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source)))
                mounted = await request(store, "EPHEMERAL")
                sizes.append(mount.usage(mounted.target).size_bytes)
                await close(store)
    assert sizes[1] - sizes[0] == pytest.approx(384 * MIB, rel=0.05)


@pytest.mark.feature("I020", "I018")
async def test_existing_volumes_and_directories(places: Path, tmp_path: Path) -> None:
    from talos.linux import filesystem

    with attached(tmp_path / "system", 1024 * MIB) as system, attached(tmp_path / "old", 256 * MIB) as old:
        system_table(system)
        made = partitioning.add(str(old.device.path), 512, label="theirs", type=gpt.LINUX_DATA, size=None)
        await filesystem.make("ext4", made.device, label="OLD")
        documents = (
            "---\napiVersion: v1alpha1\nkind: ExistingVolumeConfig\nname: old\nmount: {readOnly: true}\n"
            "discovery: {volumeSelector: {match: volume.label == 'OLD'}}\n",
            "---\napiVersion: v1alpha1\nkind: UserVolumeConfig\nname: plain\nvolumeType: directory\n",
        )
        async with node([system, old], meta.Meta(), tmp_path) as store:
            await configure(store, *documents)
            await request(store, "EPHEMERAL")
            for id in ("e-old", "u-plain"):
                await state.wait_for(store, MountStatus, id, lambda one: one is not None, timeout_s=WAIT_S)
            found = mount.find(places / "var" / "mnt" / "old")
            assert found is not None
            assert "ro" in found.options
            assert (places / "var" / "mnt" / "plain").is_dir()
            shown = {one.id: one.spec for one in await store.list(DiscoveredVolume)}
            assert shown[Path(made.device).name].label == "OLD"
            await close(store)
