"""Makes what an order asks for, from a machine image that is there.

    unified kernel image ── its sections ── command line and configuration changed ── unified kernel image
                                                                                        │
       kernel, initramfs, cmdline, uki ── as they are                                   │
       iso, image ──────────────────────  EFI partition (`talos.boot.fat`) ─────────────┤
       installer ───────────────────────  OCI image with it and the boot loader ────────┘

Nothing here needs root or a program of the host. The same order on the same base gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.base.constants import partitions, versions
from talos.boot import entries, esp, fat, medium, meta
from talos.imager import cpio, diskformat, iso9660, machine, oci, profile, tarlayer, uki
from talos.imager.profile import Kind, Order, Packing
from talos.imager.progress import Progress
from talos.init import stage1
from talos.installer import sources
from talos.linux import gpt

INSTALLER = f"ghcr.io/siderolabs/installer:{versions.RELEASE}"
_MIB = 1 << 20
_VOLUME = "TALOS"
_SLACK = 4 * _MIB


@dataclass(frozen=True, slots=True)
class Base:
    """A machine image (`imager/machine`) and the programs for the firmware that go with it."""

    image: Path
    loader: Path
    stub: Path


def find_base(folder: Path, tree: Path) -> Base:
    """The base in the folder of a machine image; `tree` holds the boot loader's package. Raises NotFound."""
    efi = tree / "usr/lib/systemd/boot/efi"
    base = Base(folder / "pytalos.efi", efi / "systemd-bootx64.efi", efi / "linuxx64.efi.stub")
    for path in (base.image, base.loader, base.stub):
        if not path.exists():
            raise errors.NotFound(f"{path} is absent; ./dev image --vm makes what the imager starts from")
    return base


class Parts:
    """The unified kernel image of a base, taken apart."""

    def __init__(self, base: Base) -> None:
        self._sections = {section.name: section.data for section in uki.sections(base.image.read_bytes())}
        missing = {".linux", ".initrd", ".cmdline", ".osrel", ".uname"} - set(self._sections)
        if missing:
            raise errors.Invalid(f"{base.image} has no {', '.join(sorted(missing))}")
        self._stub = base.stub

    def kernel(self) -> bytes:
        """The kernel."""
        return self._sections[".linux"]

    def cmdline(self, order: Order) -> str:
        """The kernel's command line."""
        return profile.cmdline(self._sections[".cmdline"].decode(), order.platform, order.kernel_arguments)

    def initramfs(self, order: Order) -> bytes:
        """The initramfs, with the configuration when there is one."""
        present = self._sections[".initrd"]
        if order.configuration is None:
            return present
        return cpio.archive({stage1.CONFIGURATION[1:]: cpio.file(order.configuration, 0o600)}) + present

    def unified(self, order: Order) -> bytes:
        """The unified kernel image."""
        return uki.build(
            self._stub.read_bytes(),
            kernel=self.kernel(),
            initramfs=self.initramfs(order),
            cmdline=self.cmdline(order),
            os_release=self._sections[".osrel"],
            release=self._sections[".uname"].decode(),
        )


def _esp_files(base: Base, unified: bytes) -> Mapping[str, bytes]:
    return {
        entries.FALLBACK_LOADER["x86_64"]: base.loader.read_bytes(),
        f"{entries.DISCOVERED}/{machine.entry_name()}": unified,
        entries.LOADER_CONF: esp.LOADER_CONF,
    }


def _fill_esp(window: medium.Window, sector_bytes: int, files: Mapping[str, bytes]) -> None:
    serial = int(machine.guid("serial").hex[:8], 16)
    fat.format(window, serial=serial, sector_bytes=sector_bytes, hidden=window.start // sector_bytes)
    volume = fat.Volume(window)
    for path, content in files.items():
        volume.write(path, [content], len(content))


def _table(order: Order) -> gpt.Table:
    label, sector_bytes = order.platform, order.profile.sector_bytes
    parts = [
        (gpt.EFI_SYSTEM, partitions.EFI, partitions.EFI_BYTES),
        (gpt.LINUX_DATA, partitions.META, partitions.META_BYTES),
    ]
    if order.images is not None:
        room = -(-order.images.stat().st_size // _MIB) * _MIB
        parts.append((gpt.LINUX_DATA, partitions.IMAGECACHE, room))
    table = gpt.empty(machine.guid(label), sum(size for *_, size in parts) + 2 * _MIB, sector_bytes)
    for kind, name, size in parts:
        table = table.add(kind, machine.guid(f"{label}/{name}"), name, size)
    return table


def _write(fd: int, pieces: Iterator[tuple[int, bytes]] | list[tuple[int, bytes]]) -> None:
    for offset, data in pieces:
        os.pwrite(fd, data, offset)


def disk(order: Order, base: Base, unified: bytes, target: Path) -> None:
    """Write a raw disk: EFI with the system, META with the values."""
    table = _table(order)
    size = table.sector_bytes
    efi, state = table.partitions[:2]
    with target.open("w+b") as sink:
        sink.truncate(table.sectors * size)
        window = medium.Window(sink.fileno(), efi.first * size, efi.sectors * size)
        _fill_esp(window, size, _esp_files(base, unified))
        writes = meta.steps(meta.Content({}, {}, None), order.meta, state.sectors * size) if order.meta else []
        _write(sink.fileno(), [(state.first * size + offset, data) for offset, data in writes])
        if order.images is not None:
            sink.seek(table.partitions[2].first * size)
            with order.images.open("rb") as source:
                shutil.copyfileobj(source, sink, 4 * _MIB)
        _write(sink.fileno(), gpt.layout(table))


def iso(base: Base, unified: bytes, target: Path) -> None:
    """Write an ISO image that is a disk, too."""
    files = _esp_files(base, unified)
    needed = sum(len(content) for content in files.values())
    room = -(-(needed + needed // 128 + _SLACK) // _MIB) * _MIB
    size = max(room, 48 * _MIB)
    table = gpt.empty(machine.guid("iso"), size + 2 * _MIB)
    table = table.add(gpt.EFI_SYSTEM, machine.guid("iso/EFI"), partitions.EFI, size)
    part = table.partitions[0]
    plan = iso9660.Plan(_VOLUME, part.first * 512, part.sectors * 512, table.sectors * 512)
    with target.open("w+b") as sink:
        sink.truncate(plan.total_bytes)
        _fill_esp(medium.Window(sink.fileno(), plan.partition_at, plan.partition_bytes), 512, files)
        _write(sink.fileno(), gpt.layout(table))
        _write(sink.fileno(), iso9660.layout(plan))


def installer(base: Base, unified: Path, target: Path, name: str, scratch: Path) -> None:
    """Write an OCI image archive that `install.image` and `talosctl upgrade --image` take, once it is in a registry."""
    folder = scratch / "layout"
    layout = oci.Layout(folder)
    below = f"{sources.FOLDER}/{profile.ARCHITECTURE}"
    held = {
        f"{below}/{sources.IMAGE}": tarlayer.Entry(source=unified, mode=0o644),
        f"{below}/{sources.LOADER}": tarlayer.Entry(source=base.loader, mode=0o644),
    }
    layer = layout.add_layer(lambda path: tarlayer.write(path, held))
    labels = {"org.opencontainers.image.version": versions.RELEASE}
    layout.add_image(name, [layer], oci.Runtime(labels=labels))
    layout.finish()
    members = {
        str(path.relative_to(folder)): tarlayer.Entry(source=path, mode=0o644)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    tarlayer.write(target, members)


def _content(order: Order, parts: Parts) -> bytes:
    made: dict[Kind, Callable[[], bytes]] = {
        Kind.KERNEL: parts.kernel,
        Kind.INITRAMFS: lambda: parts.initramfs(order),
        Kind.UKI: lambda: parts.unified(order),
        Kind.CMDLINE: lambda: parts.cmdline(order).encode() + b"\n",
    }
    return made[order.kind]()


def _assemble(order: Order, base: Base, plain: Path, scratch: Path, *, name: str, progress: Progress) -> None:
    """Leave the uncompressed output at `plain`."""
    parts = Parts(base)
    if order.kind not in {Kind.ISO, Kind.IMAGE, Kind.INSTALLER}:
        plain.write_bytes(_content(order, parts))
        return
    with progress.step("unified kernel image"):
        unified = parts.unified(order)
    with progress.step(f"{order.kind}"):
        if order.kind is Kind.ISO:
            iso(base, unified, plain)
        elif order.kind is Kind.INSTALLER:
            image = scratch / sources.IMAGE
            image.write_bytes(unified)
            installer(base, image, plain, name, scratch)
        else:
            disk(order, base, unified, scratch / "disk.raw")
    if order.kind is Kind.IMAGE:
        with progress.step(str(order.format)):
            diskformat.convert(scratch / "disk.raw", plain, order.format, machine.guid(f"{order.platform}/vhd"))


def make(order: Order, base: Base, folder: Path, progress: Progress, *, name: str = INSTALLER) -> Path:
    """Write the output below `folder`, complete or not at all; its path. `name`: of an installer's image."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / order.file_name
    with tempfile.TemporaryDirectory(prefix=".imager.", dir=folder) as temporary:
        scratch = Path(temporary)
        plain = scratch / "plain"
        _assemble(order, base, plain, scratch, name=name, progress=progress)
        if order.packing is not Packing.NONE:
            with progress.step(f"compression ({order.packing})"):
                diskformat.pack(plain, scratch / "packed", order.packing)
            plain = scratch / "packed"
        plain.rename(target)
    return target
