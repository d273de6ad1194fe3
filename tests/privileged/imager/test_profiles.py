"""Outputs of the imager, read by programs that know nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from talos.boot import meta
from talos.imager import cache, machine, output, profile, sysroot
from talos.imager.progress import Progress
from talos.installer import sources
from tests import capabilities

CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
pytestmark = [pytest.mark.needs_machine, pytest.mark.timeout(600)]
_LIMIT_S = 60.0


class Bench:
    """The imager on the built machine image, and the build's own programs to look at what it made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = sysroot.build(CHECKOUT / "rootfs" / "machine.toml", log=folder / "sysroot.log")
        self.base = output.find_base(capabilities.machine_dir().resolve(), self.tree.path)

    def make(self, name: str, *, below: str = "out", **options: object) -> Path:
        order = profile.order(name, **options)  # type: ignore[arg-type]
        progress = Progress(sys.stderr, live=False)
        return output.make(order, self.base, self.folder / below, progress)

    def look(self, *argv: str) -> str:
        log = self.folder / "look.log"
        return self.tree.run(argv, log=log, timeout_s=120, shared=[self.folder], env={"MTOOLS_SKIP_CHECK": "1"})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def host(*argv: str | Path) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout


def cut(source: Path, target: Path, offset: int, length: int) -> None:
    with source.open("rb") as raw, target.open("wb") as sink:
        raw.seek(offset)
        while length and (piece := raw.read(min(length, 1 << 20))):
            # Holes stay holes.
            sink.seek(len(piece), 1) if not piece.strip(b"\0") else sink.write(piece)
            length -= len(piece)
        sink.truncate(sink.tell())


@pytest.mark.feature("J037", "J038")
@pytest.mark.parametrize(("name", "sector"), [("metal", 512), ("metal-4k", 4096)])
def test_a_disk_has_partitions_and_a_sound_file_system(bench: Bench, name: str, sector: int) -> None:
    disk = bench.make(name, packing="none", meta=["0x0a=first", "0x0c=second"])
    shown = host(
        "partx", "--sector-size", str(sector), "--noheadings", "--raw", "-o", "NAME,START,SECTORS,TYPE", disk
    ).splitlines()
    rows = [row.split() for row in shown]
    assert [row[0] for row in rows] == ["EFI", "META"]
    # partx counts in units of 512 bytes, whatever the sectors are.
    assert [int(row[2]) * 512 >> 20 for row in rows] == [2101, 1]
    assert rows[0][3] == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
    esp = bench.folder / "esp"
    cut(disk, esp, int(rows[0][1]) * 512, int(rows[0][2]) * 512)
    # fsck.fat ends with an error for anything it would repair.
    bench.look("fsck.fat", "-n", str(esp))
    unpacked = bench.folder / "image.efi"
    bench.look("mcopy", "-i", str(esp), f"::/EFI/Linux/{machine.entry_name()}", str(unpacked))
    assert cache.file_sha256(unpacked) == cache.file_sha256(bench.make("uki"))
    cut(disk, bench.folder / "meta", int(rows[1][1]) * 512, 1 << 20)
    assert meta.parse((bench.folder / "meta").read_bytes()).merged() == {0x0A: b"first", 0x0C: b"second"}


@pytest.mark.feature("J019")
@pytest.mark.parametrize(("form", "called"), [("qcow2", "qcow2"), ("vhd", "vpc")])
def test_other_formats_hold_the_same_disk(bench: Bench, form: str, called: str) -> None:
    raw, made = bench.make("metal", packing="none"), bench.make("metal", disk_format=form)
    info = json.loads(bench.look("qemu-img", "info", "--output=json", "-f", called, str(made)).split("\n", 0)[0])
    assert info["virtual-size"] == raw.stat().st_size
    if form == "qcow2":
        bench.look("qemu-img", "check", "-f", called, str(made))
    bench.look("qemu-img", "compare", "-f", "raw", "-F", called, str(raw), str(made))


@pytest.mark.feature("J019")
@pytest.mark.parametrize(("packing", "program"), [("zst", "zstd"), ("xz", "xz"), ("gz", "gzip")])
def test_what_is_compressed_comes_back(bench: Bench, packing: str, program: str) -> None:
    # The ISO: the same code as for disks, and 2 GiB of zeros less.
    plain, made = bench.make("iso"), bench.make("iso", packing=packing)
    if program == "zstd":
        bench.look("zstd", "-q", "-d", "-f", str(made), "-o", str(bench.folder / "again"))
    else:
        with (bench.folder / "again").open("wb") as sink:
            subprocess.run([program, "-dc", made], stdout=sink, check=True, timeout=120)
    assert cache.file_sha256(bench.folder / "again") == cache.file_sha256(plain)


@pytest.mark.feature("J020", "J035")
def test_an_iso_is_a_cd_and_a_disk(bench: Bench) -> None:
    iso = bench.make("iso")
    assert "ISO 9660" in (said := host("file", "--brief", iso)) and "'TALOS'" in said and "bootable" in said
    assert "TYPE=iso9660" in host("blkid", "-p", "-o", "export", "--usages", "filesystem", iso)
    rows = [row.split() for row in host("partx", "--noheadings", "--raw", "-o", "NAME,START,SECTORS", iso).splitlines()]
    assert [row[0] for row in rows] == ["EFI"]
    esp = bench.folder / "esp"
    cut(iso, esp, int(rows[0][1]) * 512, int(rows[0][2]) * 512)
    bench.look("fsck.fat", "-n", str(esp))
    # The same bytes by the other way: the catalogue names the sector of 2048 bytes at which they begin.
    content = iso.read_bytes()
    catalogue = int.from_bytes(content[17 * 2048 + 71 :][:4], "little") * 2048
    entry = content[catalogue + 32 :][:32]
    assert entry[0] == 0x88
    assert content[catalogue + 1] == 0xEF
    assert int.from_bytes(entry[8:12], "little") * 2048 == int(rows[0][1]) * 512


@pytest.mark.feature("J018", "J042")
def test_the_installer_image_is_one_the_installer_takes(bench: Bench) -> None:
    archive = bench.make("installer")
    folder = bench.folder / "layout"
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    index = json.loads((folder / "index.json").read_text())
    manifest = json.loads((folder / "blobs/sha256" / index["manifests"][0]["digest"].split(":")[1]).read_text())
    layers = [folder / "blobs/sha256" / layer["digest"].split(":")[1] for layer in manifest["layers"]]
    found = sources.from_layers(layers, bench.folder / "found", "x86_64")
    assert found.system.loader == bench.base.loader.read_bytes()
    assert found.system.digest == cache.file_sha256(bench.make("uki"))


def test_container_images_get_a_partition_of_their_own(bench: Bench) -> None:
    images = bench.folder / "images.sqsh"
    images.write_bytes(b"hsqs" + bytes(range(256)) * 9000)
    disk = bench.make("metal", packing="none", images=images)
    shown = host("partx", "--noheadings", "--raw", "-o", "NAME,START,SECTORS", disk).splitlines()
    name, start, sectors = shown[2].split()
    assert (name, int(sectors) * 512) == ("IMAGECACHE", 3 << 20)
    cut(disk, bench.folder / "cut", int(start) * 512, images.stat().st_size)
    assert (bench.folder / "cut").read_bytes() == images.read_bytes()


@pytest.mark.feature("J018", "J034")
def test_made_again_they_have_the_same_bytes(bench: Bench) -> None:
    for options in ({"name": "iso"}, {"name": "metal-4k", "packing": "none"}, {"name": "installer"}):
        one, two = (bench.make(below=below, **options) for below in ("one", "two"))
        assert cache.file_sha256(one) == cache.file_sha256(two), options
        one.unlink()
        two.unlink()


@pytest.mark.feature("J018", "J039")
def test_parts_are_what_the_whole_holds(bench: Bench) -> None:
    added = ["-console", "console=ttyS1"]
    words = bench.make("cmdline", platform="nocloud", kernel_arguments=added).read_text().split()
    assert [w for w in words if w.startswith("console=")] == ["console=ttyS1"]
    assert "talos.platform=nocloud" in words
    assert "Linux kernel x86 boot executable" in host("file", "--brief", bench.make("kernel"))
    assert host("file", "--brief", bench.make("initramfs")).startswith("ASCII cpio archive")
    assert " ".join(words).encode() in bench.make("uki", platform="nocloud", kernel_arguments=added).read_bytes()


def test_nothing_takes_longer_than_a_minute_or_leaves_remains(bench: Bench) -> None:
    progress = Progress(sys.stderr, live=False)
    output.make(profile.order("metal"), bench.base, bench.folder / "out", progress)
    assert sum(progress.durations_s.values()) < _LIMIT_S
    assert [path.name for path in (bench.folder / "out").iterdir()] == ["metal-amd64.raw.zst"]
