"""Secure Boot, from a firmware without keys to one that starts our system and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.dev import build, environment

from talos.imager import cache, kernel, machine, sysroot
from talos.imager.progress import Progress
from talos.pki import secureboot, x509
from tests.vm.guest import CHECKOUT, Guest
from tests.vm.test_maintenance import answer

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.timeout(2000)]
REFUSED_S = 240.0


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> sysroot.Sysroot:
    log = tmp_path_factory.mktemp("tree") / "log"
    return sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=log)


@pytest.fixture(scope="module")
def signed() -> Iterator[Path]:
    """An image signed with a key of its own."""
    workshop = build.Workshop(environment.Environment(CHECKOUT), Progress(sys.stderr, live=False))
    _, built = workshop.build_components()
    made = secureboot.new_signing("keys of a test")
    recipe = machine.Recipe(
        workshop.recipe(built, build.DEVELOPMENT_LEVEL),
        kernel.Kernel(workshop.machine_tree()),
        log=cache.root() / "logs" / "machine-signed.log",
        signing=x509.KeyPair(made.certificate_pem, made.key_pem),
    )
    folder = cache.root() / "machine-signed"
    cache.remove_tree(folder)
    folder.mkdir()
    machine.fill(recipe, folder)
    yield folder
    cache.remove_tree(folder)


@pytest.fixture(scope="module")
def enrolled(signed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Variables of a firmware after the loader enrolled the image's keys."""
    folder = tmp_path_factory.mktemp("enrol")
    variables = folder / "firmware.fd"
    with Guest(folder, image=signed, variables=variables) as guest:
        guest.wait_for_end(REFUSED_S)
        assert "Linux version" not in guest.console()
    return variables


def _copied(signed: Path, enrolled: Path, folder: Path) -> Path:
    """A copy of the disk in `folder`, and of the variables beside it."""
    subprocess.run(["cp", "--sparse=always", signed / "disk.raw", folder / "disk.raw"], check=True, timeout=120)
    shutil.copyfile(enrolled, folder / "firmware.fd")
    return folder / "disk.raw"


def _refused(folder: Path) -> str:
    """What the serial line says of a disk that the firmware does not start."""
    with Guest(folder, image=folder, variables=folder / "firmware.fd") as guest:
        guest.wait_for(r"(?i)access denied|security violation", REFUSED_S)
        assert "Linux version" not in guest.console()
        return guest.console()


@pytest.mark.feature("J024", "J025", "P011", "E217")
def test_a_signed_system_starts_and_says_so(signed: Path, enrolled: Path, tmp_path: Path) -> None:
    variables = tmp_path / "firmware.fd"
    shutil.copyfile(enrolled, variables)
    with Guest(tmp_path, image=signed, variables=variables) as guest:
        shown = answer(guest, "get", "securitystate", "-o", "yaml")
        assert "secureBoot: true" in shown
        assert "bootedWithUKI: true" in shown
        assert "moduleSignatureEnforced: true" in shown
        assert "Kernel is locked down from EFI Secure Boot" in guest.console()


@pytest.mark.feature("J024")
def test_a_changed_byte_of_the_system_is_refused(signed: Path, enrolled: Path, tmp_path: Path) -> None:
    disk = _copied(signed, enrolled, tmp_path)
    original = (signed / "pytalos.efi").read_bytes()
    # In the middle of the root file system, which is part of the initramfs.
    at = len(original) // 2
    content = disk.read_bytes()
    found = content.find(original[at - 512 : at + 512])
    assert found > 0
    with disk.open("r+b") as file:
        file.seek(found)
        file.write(bytes([content[found] ^ 1]))
    _refused(tmp_path)


@pytest.mark.feature("J024")
def test_a_loader_without_signature_is_refused(
    signed: Path, enrolled: Path, tree: sysroot.Sysroot, tmp_path: Path
) -> None:
    disk = _copied(signed, enrolled, tmp_path)
    loader = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
    argv = ["mcopy", "-o", "-i", f"{disk}@@1M", loader, "::/EFI/BOOT/BOOTX64.EFI"]
    tree.run(argv, log=tmp_path / "mcopy.log", timeout_s=60, shared=[tmp_path], env={"MTOOLS_SKIP_CHECK": "1"})
    assert "systemd-boot" not in _refused(tmp_path)
