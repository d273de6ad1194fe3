"""Images of the imager's profiles start: the ISO from a CD and with a configuration, the disk with large sectors."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from talos.imager import output, profile, sysroot
from talos.imager.progress import Progress
from tests import capabilities
from tests.vm.guest import BOOT_S, CHECKOUT, Guest

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.vm_full, pytest.mark.timeout(2000)]


def made(order: profile.Order, folder: Path) -> Path:
    tree = sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=folder / "sysroot.log")
    base = output.find_base(capabilities.machine_dir().resolve(), tree.path)
    return output.make(order, base, folder, Progress(sys.stderr, live=False))


def answer(guest: Guest, *words: str) -> str:
    """What the command prints once the API answers it."""
    argv = [sys.executable, "-m", "talos.talosctl.main", *words, "--insecure", "--nodes", f"127.0.0.1:{guest.port}"]
    env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(guest.folder)}
    deadline = time.monotonic() + BOOT_S
    guest.wait_for(r"service\[apid\]\(Running\): health check succeeded")
    while True:
        ended = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
        if ended.returncode == 0:
            return ended.stdout
        assert time.monotonic() < deadline, ended.stderr + guest.console()[-3000:]
        time.sleep(2)


@pytest.mark.feature("J038")
def test_a_disk_with_sectors_of_4096_bytes_starts_and_its_meta_is_read(tmp_path: Path) -> None:
    order = profile.order("metal-4k", packing="none", meta=["0x0c=asked-for"], kernel_arguments=["pytalos.test=4k"])
    made(order, tmp_path).rename(tmp_path / "disk.raw")
    (tmp_path / "guest").mkdir()
    with Guest(tmp_path / "guest", image=tmp_path, sector_bytes=4096) as guest:
        assert "asked-for" in answer(guest, "get", "metakeys", "-o", "yaml")
        assert "pytalos.test=4k" in answer(guest, "get", "kernelcmdline", "-o", "yaml")


@pytest.mark.feature("J020", "J035")
def test_the_iso_starts_from_a_cd(tmp_path: Path) -> None:
    iso = made(profile.order("iso", kernel_arguments=["pytalos.test=iso"]), tmp_path)
    (tmp_path / "guest").mkdir()
    with Guest(tmp_path / "guest", cdrom=iso) as guest:
        assert "pytalos.test=iso" in answer(guest, "get", "kernelcmdline", "-o", "yaml")


@pytest.mark.feature("J030")
def test_a_configuration_that_is_built_in_is_the_one_the_machine_takes(tmp_path: Path) -> None:
    text = b"apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: built-in\n"
    iso = made(profile.order("iso", configuration=text), tmp_path)
    iso.rename(tmp_path / "disk.raw")  # as on a USB stick
    (tmp_path / "guest").mkdir()
    with Guest(tmp_path / "guest", image=tmp_path) as guest:
        guest.wait_for(r"configuration.*embedded")
        assert "built-in" in answer(guest, "get", "hostname", "-o", "yaml")
