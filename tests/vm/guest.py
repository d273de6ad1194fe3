"""One virtual machine under UEFI, emulated: QEMU of the build's own package tree, on a copy of the disk image.

KVM is not used, so that a test takes the same way everywhere. Emulation is slow; limits here are generous on purpose
and say nothing about a machine.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from talos.imager import cache, sysroot
from tests import capabilities

CHECKOUT = Path(__file__).resolve().parent.parent.parent
BOOT_S = 900.0
_OOPS = re.compile(r"Oops|Kernel panic|BUG: |general protection fault")
_FIRMWARE = Path("usr/share/OVMF")


def free_port() -> int:
    """A TCP port of this host that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Guest:
    """A running machine. `folder` keeps its disk, its firmware variables and `serial.log`.

    `disk_gib`: size of its disk, if it is not that of the image. `image`: folder with another `disk.raw`.
    `sector_bytes`: of that disk. `cdrom`: started from this instead, without a disk.
    `variables`: firmware with Secure Boot and these variables, which it changes; None: firmware without.
    """

    def __init__(
        self,
        folder: Path,
        *,
        memory_mib: int = 2048,
        disks: Sequence[str] = (),
        disk_gib: int | None = None,
        image: Path | None = None,
        variables: Path | None = None,
        sector_bytes: int = 512,
        cdrom: Path | None = None,
    ) -> None:
        self.folder, self.port = folder, free_port()
        self._variables, self._secure = variables or folder / "vars.fd", variables is not None
        self._tree = sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=folder / "sysroot.log")
        self._image = (image or capabilities.machine_dir()).resolve()
        self.serial = folder / "serial.log"
        if not self._variables.exists():
            shutil.copyfile(self._tree.path / _FIRMWARE / "OVMF_VARS_4M.fd", self._variables)
        self._sector_bytes, self._cdrom = sector_bytes, cdrom
        storage = self._storage(disks, disk_gib) if cdrom is None else self._drive(cdrom)
        self._argv = [*self._machine(memory_mib), *storage]
        self._process: subprocess.Popen[bytes] | None = None
        self.earlier = ""

    def _machine(self, memory_mib: int) -> list[str]:
        code = "OVMF_CODE_4M.secboot.fd" if self._secure else "OVMF_CODE_4M.fd"
        # Only system management mode may write the variables, or they would protect nothing.
        guarded = ["-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1"]
        # Without svm: loading the driver of nested virtualisation holds up an emulated machine for a minute.
        return [
            "qemu-system-x86_64", "-machine", "q35,smm=on" if self._secure else "q35",
            *(guarded if self._secure else []), "-accel", "tcg,thread=multi", "-cpu", "max,-svm", "-smp", "2",
            "-m", str(memory_mib), "-nodefaults", "-display", "none", "-no-reboot",
            "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file=/{_FIRMWARE}/{code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={self._variables}",
            "-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.port}-:50000",
            "-device", "virtio-net-pci,netdev=n0", "-device", "virtio-rng-pci",
            "-serial", f"file:{self.serial}",
        ]  # fmt: skip

    def _storage(self, disks: Sequence[str], disk_gib: int | None) -> list[str]:
        # Writes go to a file of the test's own; the image is every test's.
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", f"{self._image}/disk.raw"]
        shared = [self.folder, self._image]
        argv += [f"{self.folder}/disk.qcow2", *([f"{disk_gib}G"] if disk_gib else [])]
        self._tree.run(argv, log=self.folder / "qemu-img.log", timeout_s=60, shared=shared)
        arguments = ["-drive", f"if=none,id=d0,file={self.folder}/disk.qcow2,format=qcow2,cache=unsafe"]
        sector = f"logical_block_size={self._sector_bytes},physical_block_size={self._sector_bytes}"
        arguments += ["-device", f"virtio-blk-pci,drive=d0,bootindex=0,{sector}"]
        for number, path in enumerate(disks, 1):
            arguments += ["-drive", f"if=none,id=d{number},file={path},format=raw"]
            arguments += ["-device", f"virtio-blk-pci,drive=d{number},serial=disk{number}"]
        return arguments

    def _drive(self, cdrom: Path) -> list[str]:
        drive = f"if=none,id=cd,file={cdrom},format=raw,media=cdrom,readonly=on"
        return ["-drive", drive, "-device", "ide-cd,drive=cd,bootindex=0"]

    def __enter__(self) -> Self:
        stage = cache.root() / "stage"
        stage.mkdir(parents=True, exist_ok=True)
        shared = [self.folder, self._image, self._variables.parent]
        shared += [self._cdrom.parent] if self._cdrom is not None else []
        lines = sysroot.chroot_script(self._tree.path, stage, list(dict.fromkeys(shared)), None, self._argv)
        with (self.folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-euc", "\n".join(lines)],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def wait_for_end(self, timeout_s: float = 120.0) -> None:
        """Wait until the machine has ended by itself (a reboot ends it, too); `earlier` is what it said till then."""
        assert self._process is not None
        self._process.wait(timeout_s)
        self.earlier = self.console()

    def console(self) -> str:
        """Everything on the serial line so far."""
        return self.serial.read_text(errors="replace") if self.serial.exists() else ""

    def wait_for(self, pattern: str, timeout_s: float = BOOT_S) -> str:
        """The first match on the serial line. Fails when the kernel dies, QEMU ends, or the time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            text = self.console()
            if found := re.search(pattern, text):
                return found[0]
            tail = text[-3000:]
            assert not (died := _OOPS.search(text)), f"the kernel died ({died and died[0]}):\n{tail}"
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "qemu.log").read_text() + tail
            assert time.monotonic() < deadline, f"{pattern!r} not seen within {timeout_s:.0f} s:\n{tail}"
            time.sleep(0.5)
