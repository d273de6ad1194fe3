"""A machine with a disk of its own that starts several times: from a medium first, then from the disk.

Each start is a QEMU that ends when the guest reboots (`-no-reboot`): a test sees every attempt the loader makes. The
medium is what a USB stick would be: an EFI partition with loader and system, and no META.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from talos.boot import entries, esp, fat, medium
from talos.imager import cpio, imagecache, sysroot, uki
from talos.linux import gpt
from tests import capabilities
from tests.vm.guest import CHECKOUT, Guest

MIB = 1 << 20
TARGET_BYTES = 8 << 30
_LOADER = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
_STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"


def image_dir() -> Path:
    """The built machine image."""
    return capabilities.machine_dir().resolve()


def image_cache() -> Path:
    """The container images that go with it."""
    return image_dir() / imagecache.FILE


def tree(folder: Path) -> sysroot.Sysroot:
    """Where the loader and QEMU come from."""
    return sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=folder / "sysroot.log")


def make_medium(path: Path, image: Path, folder: Path, images: Path | None = None) -> Path:
    """Write a medium to start from, with our own writers of tables and file systems; `images`: an image cache."""
    size, extra = image.stat().st_size, images.stat().st_size + MIB if images is not None else 0
    table = gpt.empty(uuid.uuid4(), size + extra + 80 * MIB).add(gpt.EFI_SYSTEM, uuid.uuid4(), "EFI", size + 72 * MIB)
    if extra:
        table = table.add(gpt.LINUX_DATA, uuid.uuid4(), "IMAGECACHE-ISO", extra)
    part = table.partitions[0]
    with path.open("wb") as made:
        made.truncate(table.sectors * 512)
    fd = os.open(path, os.O_RDWR)
    try:
        window = medium.Window(fd, part.first * 512, part.sectors * 512)
        fat.format(window, serial=7, hidden=part.first)
        volume = fat.Volume(window)
        files = {
            "EFI/BOOT/BOOTX64.EFI": (tree(folder).path / _LOADER).read_bytes(),
            "EFI/Linux/PyTalos.efi": image.read_bytes(),
            "loader/loader.conf": esp.LOADER_CONF,
        }
        for name, data in files.items():
            volume.write(name, [data], len(data))
        if images is not None:
            os.pwrite(fd, images.read_bytes(), table.partitions[1].first * 512)
        for offset, data in gpt.layout(table):
            os.pwrite(fd, data, offset)
    finally:
        os.close(fd)
    return path


class Machine(Guest):
    """One start. `start_from`: another disk than its own."""

    def __init__(
        self,
        folder: Path,
        *,
        start_from: Path | None = None,
        others: Sequence[Path] = (),
        memory_mib: int = 2048,
        serial: str = "serial.log",
    ) -> None:
        self._start_from, self._others = start_from, others
        target = folder / "target.raw"
        if not target.exists():
            with target.open("wb") as made:
                made.truncate(TARGET_BYTES)
        kept = folder / "vars.fd"
        before = kept.read_bytes() if kept.exists() else None
        super().__init__(folder, memory_mib=memory_mib)
        if before is not None:
            kept.write_bytes(before)
        self._argv = [word.replace(str(self.serial), str(folder / serial)) for word in self._argv]
        self.serial = folder / serial
        self.serial.unlink(missing_ok=True)

    def _storage(self, disks: Sequence[str], disk_gib: int | None) -> list[str]:
        del disks, disk_gib
        order = [path for path in (self._start_from, self.folder / "target.raw", *self._others) if path is not None]
        arguments = []
        for number, path in enumerate(order):
            arguments += ["-drive", f"if=none,id=d{number},file={path},format=raw,cache=unsafe"]
            first = ",bootindex=0" if number == 0 else ""
            arguments += ["-device", f"virtio-blk-pci,drive=d{number},serial={path.stem}{first}"]
        return arguments

    def wait_end(self, timeout_s: float = 900) -> None:
        """Wait until the guest reboots or powers off. Fails when it does neither."""
        assert self._process is not None
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the machine did not go down:\n{self.console()[-3000:]}") from None

    def talosctl(self, *words: str, insecure: bool = True, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command against this machine."""
        where = ["--nodes", f"127.0.0.1:{self.port}"]
        if insecure:
            where.append("--insecure")
        else:
            where = ["--talosconfig", str(self.folder / "talosconfig"), "--endpoints", f"127.0.0.1:{self.port}"]
            where += ["--nodes", "127.0.0.1"]
        argv = [sys.executable, "-m", "talos.talosctl.main", *words, *where]
        env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=timeout_s, check=False)

    def answer(self, *words: str, insecure: bool = True, timeout_s: float = 600) -> str:
        """What a command prints once it succeeds."""
        deadline = time.monotonic() + timeout_s
        while True:
            ended = self.talosctl(*words, insecure=insecure)
            if ended.returncode == 0:
                return ended.stdout
            assert time.monotonic() < deadline, ended.stderr + self.console()[-3000:]
            time.sleep(3)


def generate_config(folder: Path, *, disk: str, patches: Sequence[str] = ()) -> Path:
    """Make a configuration of a control plane node that installs itself on `disk`; the path of the file."""
    argv = [sys.executable, "-m", "talos.talosctl.main", "gen", "config", "vm", "https://10.0.2.15:6443"]
    argv += ["--install-disk", disk, "--output", str(folder), "--force"]
    for patch in patches:
        argv += ["--config-patch", patch]
    env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    subprocess.run(argv, env=env, check=True, timeout=60, capture_output=True)
    path = folder / "controlplane.yaml"
    # What this release refuses to do is of no matter here.
    documents = [d for d in path.read_text().split("\n---\n") if "kind: SecurityProfileConfig" not in d]
    path.write_text("\n---\n".join(documents))
    return path


def system_partition(disk: Path) -> tuple[int, esp.Partition, gpt.Table]:
    """(descriptor, EFI partition, table) of a disk that no machine uses now."""
    fd = os.open(disk, os.O_RDWR)
    table = gpt.read(lambda at, n: os.pread(fd, n, at), disk.stat().st_size)
    assert table is not None, "the disk has no partition table"
    part = next(p for p in table.partitions if p.label == "EFI")
    window = medium.Window(fd, part.first * 512, part.sectors * 512)
    return fd, esp.Partition(fat.Volume(window), "x86_64"), table


def add_system(disk: Path, image: Path, version: str, *, tries: int = entries.TRIES) -> str:
    """Put a further system on a disk as an upgrade does, without asking whether it is one; its entry."""
    data = image.read_bytes()
    system = esp.System(lambda: [data], len(data), hashlib.sha256(data).hexdigest(), version)
    fd, part, _ = system_partition(disk)
    try:
        present = entries.choice(part.entries())
        assert present is not None
        return part.install(system, booted=present.image, tries=tries).id
    finally:
        os.close(fd)


def make_panicking(folder: Path) -> Path:
    """Write a whole, well-formed system whose kernel finds nothing to start; the path of the file."""
    parts = {section.name: section.data for section in uki.sections((image_dir() / "pytalos.efi").read_bytes())}
    bad = uki.build(
        (tree(folder).path / _STUB).read_bytes(),
        kernel=parts[".linux"],
        initramfs=cpio.archive({"empty/file": cpio.file(b"")}),
        cmdline="console=ttyS0 panic=1",
        os_release=parts[".osrel"],
        release="6.12",
    )
    (folder / "bad.efi").write_bytes(bad)
    return folder / "bad.efi"


def snapshot(folder: Path, name: str) -> Path:
    """A copy of a machine's disk and firmware variables; sparse."""
    copy = folder / name
    copy.mkdir()
    for path in ("target.raw", "vars.fd"):
        argv = ["cp", "--sparse=always", "--reflink=auto", str(folder / path), str(copy / path)]
        subprocess.run(argv, check=True, timeout=300)
    for path in ("talosconfig", "controlplane.yaml"):
        if (folder / path).exists():
            shutil.copy(folder / path, copy / path)
    return copy


def marks(machine: Machine) -> str:
    """The entries of the loader, for messages."""
    fd, part, _ = system_partition(machine.folder / "target.raw")
    try:
        return json.dumps([e.file_name for e in part.entries()])
    finally:
        os.close(fd)
