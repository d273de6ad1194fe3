"""New systems that are refused: the API says why, and the partition the machine boots from has not changed by a byte.

Real images and the real service; only the disk is a file, and the loader's word of what runs is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from talos.base.constants import partitions
from talos.boot import entries, esp, fat
from talos.boot.medium import Window
from talos.imager import output, uki
from talos.installer import disks, machine, sources
from talos.linux import gpt
from talos.machined import configuration, modes, systems
from talos.machined.api import upgrades
from talos.machinery.api._generated.machine import lifecycle_pb2
from talos.machinery.rpc import server as rpc
from talos.supervisor.containerd import client as containerd
from tests.privileged.installer import test_asking
from tests.vm import installed

pytestmark = [pytest.mark.needs_machine, pytest.mark.timeout(600)]
MIB = 1 << 20
Spoil = Callable[[Path], None]


class Machine(machine.Machine):
    """A machine whose disk is a file, started from the first system on it."""

    disk: Path

    def installed(self) -> bool:
        return True

    @contextlib.contextmanager
    def partition(self, *, write: bool = False) -> Iterator[esp.Partition]:
        fd = os.open(self.disk, os.O_RDWR if write else os.O_RDONLY)
        try:
            table = gpt.read(lambda at, n: os.pread(fd, n, at), self.disk.stat().st_size)
            assert table is not None
            part = table.partitions[0]
            yield esp.Partition(fat.Volume(Window(fd, part.first * 512, part.sectors * 512)), "x86_64")
        finally:
            os.close(fd)

    def running_image(self) -> str:
        with self.partition() as part:
            return next(e.image for e in part.entries() if e.generation == 1)


class Kept:
    """The configuration a node boots with."""

    def __init__(self, source: bytes) -> None:
        self.source = source

    async def persistent(self) -> bytes:
        return self.source


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> output.Base:
    return output.find_base(installed.image_dir(), installed.tree(tmp_path_factory.mktemp("tree")).path)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, base: output.Base) -> Path:
    """An installer image of another build."""
    folder = tmp_path_factory.mktemp("archive")
    scratch = folder / "scratch"
    scratch.mkdir()
    parts = {section.name: section.data for section in uki.sections(base.image.read_bytes())}
    made = uki.build(
        base.stub.read_bytes(),
        kernel=parts[".linux"],
        initramfs=parts[".initrd"],
        cmdline="another",
        os_release=parts[".osrel"],
        release="6.12",
    )
    (folder / "new.efi").write_bytes(made)
    output.installer(base, folder / "new.efi", folder / "installer.tar", "example.org/installer:new", scratch)
    return folder / "installer.tar"


def _on_disk(path: Path, base: output.Base, efi_bytes: int) -> None:
    with path.open("wb") as made:
        made.truncate(efi_bytes + 8 * MIB)
    fd = os.open(path, os.O_RDWR)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(partitions, "EFI_BYTES", efi_bytes)
            found = sources.from_file(base.image, base.loader.read_bytes(), "x86_64")
            disks.write(fd, 512, found.system, say=lambda _: None)
    finally:
        os.close(fd)


def _upgrade(disk: Path, image: Path, config: bytes, folder: Path) -> tuple[int, list[str]]:
    """(exit code, lines) of LifecycleService.Upgrade."""
    made = systems.Systems(
        containerd.Client(folder / "absent.sock"), cast(configuration.Configuration, Kept(config)), modes.Mode.METAL
    )
    own = Machine(scratch=folder / "scratch")
    own.disk = disk
    made.__dict__["machine"] = own
    request = lifecycle_pb2.LifecycleServiceUpgradeRequest()
    request.source.image_name = str(image)

    async def run() -> tuple[int, list[str]]:
        lines, code = [], -1
        async for one in upgrades.LifecycleService(made).upgrade(request, cast(rpc.Call, None)):
            if one.progress.WhichOneof("response") == "exit_code":
                code = one.progress.exit_code
            else:
                lines.append(one.progress.message)
        return code, lines

    obtain = systems.Systems.obtain
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systems, "SCRATCH", folder / "scratch")
        patch.setattr(systems.Systems, "obtain", lambda self, wish, say: obtain(self, wish, say, folder / "new"))
        patch.setattr(machine.Machine, "meta", lambda self: (_ for _ in ()).throw(OSError("no META here")))
        patch.setattr(machine.Machine, "booted", lambda self: type("Booted", (), {"entry": "pytalos-00000001.conf"}))
        return asyncio.run(run())


def _digest(disk: Path) -> str:
    with disk.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    with path.open("r+b") as file:
        at = path.stat().st_size // 2
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes((byte[0] ^ 1,)))


def _whole(path: Path) -> None:
    del path


def _scribble(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(MIB))


@pytest.mark.parametrize(
    ("spoil", "efi_mib", "appendix", "says"),
    [
        (_cut, 300, b"", "archive|ends early|cut short|blob"),
        (_flip, 300, b"", "other contents than its name says"),
        (_scribble, 300, b"", "archive"),
        (_whole, 150, b"", "the EFI partition has room for"),
        (_whole, 300, b"\nsomething: unknown\n", "does not take this node's configuration"),
    ],
    ids=["truncated", "wrong-digest", "no-archive", "disk-full", "config-refused"],
)
@pytest.mark.feature("J002", "J015")
def test_what_is_unfit_is_refused_before_the_first_byte(
    tmp_path: Path, base: output.Base, archive: Path, spoil: Spoil, efi_mib: int, appendix: bytes, says: str
) -> None:
    disk, image = tmp_path / "disk", tmp_path / "installer.tar"
    _on_disk(disk, base, efi_mib * MIB)
    image.write_bytes(archive.read_bytes())
    spoil(image)
    before = _digest(disk)
    code, lines = _upgrade(disk, image, test_asking.config(tmp_path) + appendix, tmp_path)
    assert code == 1

    assert re.search(says, lines[-1]), lines
    assert _digest(disk) == before


def test_a_truncated_system_is_refused(tmp_path: Path, base: output.Base) -> None:
    disk, image = tmp_path / "disk", tmp_path / "new.efi"
    _on_disk(disk, base, 300 * MIB)
    image.write_bytes(base.image.read_bytes()[:-5000])
    before = _digest(disk)
    code, lines = _upgrade(disk, image, test_asking.config(tmp_path), tmp_path)
    assert code == 1
    assert "ends early" in lines[-1]
    assert _digest(disk) == before


def test_a_fit_one_is_taken_on_trial(tmp_path: Path, base: output.Base, archive: Path) -> None:
    disk = tmp_path / "disk"
    _on_disk(disk, base, 300 * MIB)
    code, lines = _upgrade(disk, archive, test_asking.config(tmp_path), tmp_path)
    assert code == 0, lines
    own = Machine()
    own.disk = disk
    with own.partition() as part:
        first, second = part.entries()
        assert (first.tries_left, second.tries_left) == (entries.TRIES, None)
        assert entries.choice(part.entries()) == first
