"""New systems that do not come up: one that hangs, one whose first program ends, one that lacks a module.

Each has one try; the loader then starts the system before it, without help. What never comes so far (a kernel that
panics is in test_install) is refused before it is written: tests/privileged/installer/test_refused.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from talos.imager import cpio, uki
from talos.installer import disks, sources
from tests.vm import installed

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.vm_full, pytest.mark.timeout(2400)]
_LOADER = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
_STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
# What follows in an initramfs replaces what comes before.
BAD = {
    "hangs": ({"modules/order": cpio.link("/dev/ttyS0")}, "init was not reached in time: starting again"),
    "ends": ({"rootfs.sqsh": cpio.file(b"no file system" * 4096)}, "Attempted to kill init"),
    "lacks-module": ({"modules/order": cpio.file(b"/modules/none.ko.xz\n")}, "none.ko.xz: No such file"),
}


def variant(folder: Path, name: str, added: dict[str, cpio.Entry], arguments: str) -> Path:
    """The built system with other files in its initramfs and further arguments."""
    image = (installed.image_dir() / "pytalos.efi").read_bytes()
    parts = {section.name: section.data for section in uki.sections(image)}
    before = parts[".initrd"] + bytes(-len(parts[".initrd"]) % 4)
    made = uki.build(
        (installed.tree(folder).path / _STUB).read_bytes(),
        kernel=parts[".linux"],
        initramfs=before + (cpio.archive(added) if added else b""),
        cmdline=parts[".cmdline"].decode().strip("\0\n") + f" {arguments}",
        os_release=parts[".osrel"],
        release=parts[".uname"].decode().strip("\0\n"),
    )
    (folder / f"{name}.efi").write_bytes(made)
    return folder / f"{name}.efi"


def install(folder: Path) -> None:
    """Make the machine's disk a system disk, by the installer's own code."""
    with (folder / "target.raw").open("wb") as made:
        made.truncate(installed.TARGET_BYTES)
    loader = (installed.tree(folder).path / _LOADER).read_bytes()
    found = sources.from_file(installed.image_dir() / "pytalos.efi", loader, "x86_64")
    fd = os.open(folder / "target.raw", os.O_RDWR)
    try:
        disks.write(fd, 512, found.system, say=lambda _: None)
    finally:
        os.close(fd)


@pytest.mark.feature("J009")
def test_three_bad_systems_end_in_the_one_before(tmp_path: Path) -> None:
    install(tmp_path)
    for name, (added, says) in BAD.items():
        bad = variant(tmp_path, name, added, "pytalos.first_stage_timeout=45")
        entry = installed.add_system(tmp_path / "target.raw", bad, name, tries=1)
        bad.unlink()
        with installed.Machine(tmp_path, serial=f"{name}.log") as machine:
            machine.wait_end(600)
            assert says in machine.console(), machine.console()[-2000:]
        assert f"{entry.removesuffix('.conf')}+0-1.conf" in installed.marks(machine)
    with installed.Machine(tmp_path, serial="back.log") as machine:
        machine.wait_for(r"service\[apid\]\(Running\): health check succeeded")
        cmdline = machine.console()
        assert "first_stage_timeout" not in cmdline
        machine.wait_for(r"the loader gave up pytalos-\d+\.conf after its attempts", 300)
