"""Power cuts at every write of an installation, an upgrade, a trial's end, a return, a META write and a configuration.

What the code writes is recorded with the flushes between. A cut disk has everything up to the last flush, and of what
came after it any choice of sectors, as a disk's cache is free to keep. Each is judged twice: by our readers for all of
them, by mtools and a loader's rules written anew here for a sample.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talos.base.constants import partitions
from talos.boot import entries, esp, fat, meta
from talos.boot.medium import Memory, Window
from talos.imager import sysroot
from talos.installer import disks
from talos.linux import gpt
from talos.machined import config_file

pytestmark = [pytest.mark.needs_machine, pytest.mark.timeout(600)]
CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
MIB = 1 << 20
EFI_BYTES, DISK_BYTES = 36 * MIB, 48 * MIB
SECTOR = 512
STATES_PER_CUT = 3
OTHERS_LOOK_AT = 16
VALUES = {meta.Tag.USER_1: b"kept", meta.Tag.UUID_OVERRIDE: b"x" * 3000}
Log = list[tuple[int, bytes] | None]


def system(number: int, size: int = 300_000) -> esp.System:
    data = random.Random(number).randbytes(size + number)
    return esp.System(lambda: [data], len(data), hashlib.sha256(data).hexdigest(), f"v{number}", b"MZ%d" % number * 999)


@pytest.fixture(autouse=True)
def _small_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "EFI_BYTES", EFI_BYTES)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> sysroot.Sysroot:
    return sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=tmp_path_factory.mktemp("log") / "log")


@contextlib.contextmanager
def recorded() -> Iterator[Log]:
    """What windows write meanwhile, at its place on the disk; None is a flush."""
    log: Log = []
    pwrite, sync = Window.pwrite, Window.sync

    def write(self: Window, offset: int, data: bytes) -> None:
        log.append((self.start + offset, bytes(data)))
        pwrite(self, offset, data)

    def flush(self: Window) -> None:
        log.append(None)
        sync(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Window, "pwrite", write)
        patch.setattr(Window, "sync", flush)
        yield log


def _put(target: bytearray, offset: int, data: bytes, dice: random.Random | None) -> None:
    """Apply a write; with `dice`, any of its sectors."""
    if dice is None:
        target[offset : offset + len(data)] = data
        return
    share, at = dice.choice((0.1, 0.5, 0.9)), 0
    while at < len(data):
        end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
        if dice.random() < share:
            target[offset + at : offset + end] = data[at:end]
        at = end


def cut_disks(start: bytes, log: Log) -> Iterator[tuple[int, bytearray]]:
    """(number of the write, disk) for a cut behind every write, several disks each; the last is the finished one."""
    dice, flushed, late = random.Random(11), bytearray(start), Log()
    yield 0, bytearray(start)
    for number, entry in enumerate(log, 1):
        if entry is None:
            for offset, data in late:  # type: ignore[misc]
                _put(flushed, offset, data, None)
            late = []
            continue
        late.append(entry)
        for state in range(STATES_PER_CUT):
            after = bytearray(flushed)
            for offset, data in late:  # type: ignore[misc]
                _put(after, offset, data, dice if state else None)
            yield number, after
    assert not late, "the last write was not flushed"
    yield len(log), flushed


def table_of(disk: bytearray) -> gpt.Table | None:
    return gpt.read(lambda at, n: bytes(disk[at : at + n]), len(disk), SECTOR)


def esp_of(disk: bytearray) -> Memory:
    table = table_of(disk)
    assert table is not None
    part = next(p for p in table.partitions if p.label == "EFI")
    return Memory(disk[part.first * SECTOR : (part.first + part.sectors) * SECTOR])


def meta_of(disk: bytearray) -> dict[int, bytes]:
    table = table_of(disk)
    assert table is not None
    part = next(p for p in table.partitions if p.label == "META")
    return meta.parse(bytes(disk[part.first * SECTOR : (part.first + part.sectors) * SECTOR])).merged()


def boots(medium: Memory) -> str:
    """What the loader starts; fails unless it and the loader itself are whole."""
    part = esp.Partition(fat.Volume(medium), "x86_64")
    chosen = entries.choice(part.entries())
    assert chosen is not None
    known = {system(n).path: (system(n), f"v{n}") for n in range(1, 4)}
    image, version = known[chosen.image]
    assert hashlib.sha256(b"".join(part.volume.read(chosen.image))).hexdigest() == image.digest
    assert part.volume.read_bytes("EFI/BOOT/BOOTX64.EFI") in {system(n).loader for n in range(1, 4)}
    assert part.volume.read_bytes("loader/loader.conf") == esp.LOADER_CONF
    return version


def boots_for_others(tree: sysroot.Sysroot, medium: Memory, folder: Path) -> str:
    """The same, read by mtools and decided by the rules of the Boot Loader Specification."""
    folder.mkdir()
    alone = folder / "esp"
    alone.write_bytes(medium.content)
    argv = ["mcopy", "-s", "-n", "-i", str(alone), "::/loader/entries", "::/EFI/pytalos", str(folder)]
    tree.run(argv, log=folder / "log", timeout_s=60, shared=[folder])
    named = {p.name: p.read_text() for p in (folder / "entries").iterdir()}
    alive = [name for name in named if not re.search(r"\+0(-\d+)?\.conf$", name)]
    for name in sorted(alive, key=lambda one: re.split(r"[+.]", one)[0], reverse=True):
        line = re.search(r"^efi +/EFI/pytalos/(\S+)$", named[name], re.MULTILINE)
        assert line, named[name]
        image = folder / "pytalos" / line[1]
        digest = hashlib.sha256(image.read_bytes()).hexdigest()
        assert image.name == f"{digest[:32]}.efi", f"{name} names an image that is not whole"
        return next(f"v{n}" for n in range(1, 4) if system(n).digest == digest)
    raise AssertionError(f"nothing to boot: {sorted(named)}")


def installed(path: Path, number: int = 1) -> None:
    with path.open("wb") as made:
        made.truncate(DISK_BYTES)
    fd = os.open(path, os.O_RDWR)
    try:
        disks.write(fd, SECTOR, system(number), values=VALUES, say=lambda _: None)
    finally:
        os.close(fd)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[esp.Partition]:
    fd = os.open(path, os.O_RDWR)
    try:
        table = gpt.read(lambda at, n: os.pread(fd, n, at), DISK_BYTES)
        assert table is not None
        part = table.partitions[0]
        yield esp.Partition(fat.Volume(Window(fd, part.first * SECTOR, part.sectors * SECTOR)), "x86_64")
    finally:
        os.close(fd)


@pytest.mark.parametrize("before", ["blank", "noise"])
@pytest.mark.feature("J003")
def test_a_cut_installation_is_no_system_or_a_whole_one(tmp_path: Path, before: str) -> None:
    start = bytes(DISK_BYTES) if before == "blank" else random.Random(1).randbytes(DISK_BYTES)
    path = tmp_path / "disk"
    path.write_bytes(start)
    fd = os.open(path, os.O_RDWR)
    try:
        with recorded() as log:
            disks.write(fd, SECTOR, system(1), values=VALUES, say=lambda _: None)
    finally:
        os.close(fd)
    points, whole = 0, 0
    for _, disk in cut_disks(start, log):
        points += 1
        table = table_of(disk)
        if table is None or not any(p.label == partitions.META for p in table.partitions):
            # The machine starts from its medium again, and installs.
            assert not whole or points < 2 * len(log) * STATES_PER_CUT
            continue
        assert boots(esp_of(disk)) == "v1"
        assert meta_of(disk) == VALUES
        whole += 1
    assert whole, "the finished disk is no system"
    assert points >= 50


def _upgrade(part: esp.Partition) -> None:
    part.install(system(3), booted=system(2).path, tries=entries.TRIES)


def _bless(part: esp.Partition) -> None:
    part.bless(part.entries()[0].id)


def _roll_back(part: esp.Partition) -> None:
    part.roll_back(system(2).path)


@pytest.mark.parametrize(
    ("tries", "act", "outcomes"),
    [(None, _upgrade, {"v2", "v3"}), (3, _bless, {"v2"}), (None, _roll_back, {"v1", "v2"})],
    ids=["upgrade", "good", "rollback"],
)
@pytest.mark.feature("J009", "J011")
def test_a_cut_switch_leaves_the_old_system_or_the_new(
    tmp_path: Path,
    tree: sysroot.Sysroot,
    tries: int | None,
    act: Callable[[esp.Partition], None],
    outcomes: set[str],
) -> None:
    path = tmp_path / "disk"
    installed(path)
    with opened(path) as part:
        part.install(system(2), booted=system(1).path, tries=tries)
    start = path.read_bytes()
    with opened(path) as part, recorded() as log:
        act(part)
    states = list(range(len([e for e in log if e]) * STATES_PER_CUT + 2))
    sample = set(random.Random(3).sample(states, min(OTHERS_LOOK_AT, len(states)))) | {states[-1]}
    seen = set()
    for index, (_, disk) in enumerate(cut_disks(start, log)):
        medium = esp_of(disk)
        version = boots(medium)
        if index in sample:
            assert boots_for_others(tree, medium, tmp_path / f"cut-{index}") == version
        assert meta_of(disk) == VALUES
        seen.add(version)
    assert seen == outcomes


def test_a_cut_meta_write_leaves_the_old_values_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "meta"
    path.write_bytes(bytes(MIB))
    place = meta.Partition(path)
    old = place.update(VALUES)  # type: ignore[arg-type]
    log: Log = []
    write, fsync = meta._write, os.fsync

    def note(fd: int, data: bytes, offset: int) -> None:
        log.extend((offset + at, data[at : at + 8192]) for at in range(0, len(data), 8192))
        write(fd, data, offset)

    def flush(fd: int) -> None:
        log.append(None)
        fsync(fd)

    for number in range(3):
        start, log = path.read_bytes(), []
        with monkeypatch.context() as patch:
            patch.setattr(meta, "_write", note)
            patch.setattr(os, "fsync", flush)
            new = place.update({meta.Tag.UPGRADE: b"pytalos-%08d.conf" % number, meta.Tag.USER_1: None})
        seen = [meta.parse(bytes(disk)).merged() for _, disk in cut_disks(start, log)]
        assert all(one in (old, new) for one in seen)
        assert len(seen) > 50
        assert (seen[0], seen[-1]) == (old, new)
        old = new


class Folder:
    """A folder's operations, recorded: what of them a file system with a journal keeps after a cut."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.log: list[tuple[str, str, bytes]] = []
        self._names: dict[int, str] = {}
        opened, write, fsync, replace = os.open, os.write, os.fsync, Path.replace

        def note_open(path: Path, flags: int, mode: int = 0o777) -> int:
            fd = opened(path, flags, mode)
            self._names[fd] = "" if flags & os.O_DIRECTORY else path.name
            if flags & os.O_CREAT:
                self.log.append(("make", path.name, b""))
            return fd

        def note_write(fd: int, data: bytes) -> int:
            done = write(fd, data)
            self.log.append(("write", self._names[fd], bytes(data[:done])))
            return done

        def note_fsync(fd: int) -> None:
            fsync(fd)
            self.log.append(("flush", self._names[fd], b""))

        def note_replace(self_path: Path, target: Path) -> Path:
            self.log.append(("rename", self_path.name, target.name.encode()))
            return replace(self_path, target)

        patch.setattr(config_file.os, "open", note_open)
        patch.setattr(config_file.os, "write", note_write)
        patch.setattr(config_file.os, "fsync", note_fsync)
        patch.setattr(Path, "replace", note_replace)


def kept(start: dict[str, bytes], log: list[tuple[str, str, bytes]], cut: int, dice: random.Random) -> dict[str, bytes]:
    """Files after a cut: names change in order up to some point after the last flush; unflushed data is any part."""
    sure = max((i for i in range(cut) if log[i][0] == "flush" and not log[i][1]), default=0)
    upto = dice.randint(sure, cut)
    files, flushed = dict(start), set(start)
    for index, (what, name, data) in enumerate(log[:cut]):
        if what == "make" and index < upto:
            files[name] = b""
            flushed.discard(name)
        elif what == "write" and name in files:
            files[name] += data
        elif what == "flush" and name:
            flushed.add(name)
        elif what == "rename" and index < upto and name in files:
            new = data.decode()
            files[new] = files.pop(name)
            flushed.discard(new)
            if name in flushed:
                flushed.add(new)
    for name in files.keys() - flushed:
        length = dice.randint(0, len(files[name]))
        files[name] = files[name][:length] + (bytes(len(files[name]) - length) if dice.random() < 0.5 else b"")
    return files


def test_a_cut_change_of_the_configuration_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    old, new = b"version: v1alpha1 # old\n" * 300, b"version: v1alpha1 # new\n" * 400
    folder = tmp_path / "state"
    config_file.ConfigFile(folder / "config.yaml").write(old)
    start = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        record = Folder(patch)
        config_file.ConfigFile(folder / "config.yaml").write(new)
    assert len(record.log) >= 10
    dice, seen = random.Random(7), []
    for cut in range(len(record.log) + 1):
        for again in range(20):
            after = tmp_path / f"{cut}-{again}"
            after.mkdir()
            for name, data in kept(start, record.log, cut, dice).items():
                (after / name).write_bytes(data)
            found = config_file.ConfigFile(after / "config.yaml").read()
            assert found is not None
            assert found.source in (old, new), f"cut {cut}: {record.log[:cut]}"
            seen.append(found.source)
    assert seen[0] == old
    assert set(seen[-20:]) == {new}
