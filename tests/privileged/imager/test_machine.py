"""The machine image: built again it has the same bytes, and it holds what it should."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.dev import build, environment

from talos.imager import cache, cpio, kernel, machine, rootfs, uki
from talos.imager.progress import Progress
from talos.linux import gpt
from talos.provision import artifacts
from tests import capabilities

CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent
_STORAGE = ("virtio_blk", "nvme", "ahci", "usb-storage", "dm-crypt", "dm-verity", "vfat", "xfs", "overlay")
_LINKS = ("virtio_net", "e1000e", "ixgbe", "mlx5_core", "wireguard", "bonding", "8021q", "vxlan", "veth")
_FILTERS = ("br_netfilter", "nf_tables", "ip_vs")
_COMMON_CARDS = ("e1000", "igb", "igc", "r8169", "tg3", "bnxt_en", "i40e", "ice", "mlx4_core", "vmxnet3", "ena")
_FIRMWARE = ("tpm_crb", "tpm_tis", "efivarfs", "virtio-rng", "virtio_scsi", "virtio_console")
pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def recipe() -> machine.Recipe:
    workshop = build.Workshop(environment.Environment(CHECKOUT), Progress(sys.stderr, live=False))
    _, built = workshop.build_components()
    log = cache.root() / "logs" / "machine-test.log"
    return machine.Recipe(workshop.recipe(built, 3), kernel.Kernel(workshop.machine_tree()), log=log)


@pytest.fixture(scope="module")
def again() -> Iterator[Path]:
    # Beside the cache: hard links of modules do not cross file systems.
    folder = cache.root() / "machine-again"
    cache.remove_tree(folder)
    folder.mkdir()
    yield folder
    cache.remove_tree(folder)


@pytest.mark.feature("J034")
def test_built_again_it_has_the_same_bytes(recipe: machine.Recipe, again: Path) -> None:
    kept = machine.build(recipe)
    machine.fill(recipe, again)
    for name in ("pytalos.efi", "disk.raw", "cmdline"):
        assert cache.file_sha256(again / name) == cache.file_sha256(kept / name), name


def test_modules_packed_again_are_the_same_bytes(recipe: machine.Recipe, again: Path) -> None:
    folder = again / "modules"
    folder.mkdir()
    kernel.fill(recipe.kernel, kernel.choice(recipe.modules_table), folder, recipe.log)
    assert cache.file_sha256(folder / "modules.sqsh") == cache.file_sha256(machine.modules(recipe) / "modules.sqsh")


def test_partitions_and_the_efi_files() -> None:
    disk = capabilities.machine_dir() / "disk.raw"
    with disk.open("rb") as file:

        def read(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        table = gpt.read(read, disk.stat().st_size)
    assert table is not None
    assert [(p.number, p.label, p.sectors * 512 >> 20) for p in table.partitions] == [(1, "EFI", 2101), (2, "META", 1)]
    assert table.partitions[0].type == gpt.EFI_SYSTEM
    partx = subprocess.run(
        ["/usr/bin/partx", "--noheadings", "--raw", "--output", "NAME", disk],
        capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    assert partx.stdout.split() == ["EFI", "META"]


@pytest.mark.feature("J022", "J029")
def test_the_unified_kernel_image_carries_root_modules_and_hardening() -> None:
    image = (capabilities.machine_dir() / "pytalos.efi").read_bytes()
    found = {section.name: section.data for section in uki.sections(image)}
    words = found[".cmdline"].decode().split()
    assert {"talos.platform=metal", "slab_nomerge", "pti=on", "module.sig_enforce=1"} <= set(words)
    assert b"ID=pytalos" in found[".osrel"]
    assert found[".linux"][:2] == b"MZ"
    head = cpio.archive({"modules.sqsh": cpio.file(b"")})[:6]
    assert found[".initrd"].startswith(head)
    assert b"rootfs.sqsh" in found[".initrd"]
    # The node's whole system travels in it: no more than an EFI partition holds three times over.
    assert 50 << 20 < len(image) < 600 << 20


def test_containers_and_machines_have_the_same_root(recipe: machine.Recipe) -> None:
    carried = (machine.build(recipe) / "pytalos.efi").read_bytes()
    packed = rootfs.build(recipe.rootfs)
    assert packed.read_bytes() in carried
    assert cache.file_sha256(packed) == cache.file_sha256(artifacts.ArtifactSet.load().rootfs)


def test_the_module_choice_holds_what_machines_need(recipe: machine.Recipe) -> None:
    packed = machine.modules(recipe) / "modules.sqsh"
    tree, release = recipe.kernel.tree, recipe.kernel.release
    argv = ["unsquashfs", "-ls", str(packed)]
    listed = tree.run(argv, log=packed.parent.parent / "list.log", timeout_s=60, shared=[packed.parent])
    del listed  # its end only; the log has all
    text = (packed.parent.parent / "list.log").read_text()
    (packed.parent.parent / "list.log").unlink()
    builtin = (recipe.kernel.modules / "modules.builtin").read_text()
    for name in (*_STORAGE, *_LINKS, *_FILTERS, *_COMMON_CARDS, *_FIRMWARE):
        assert f"/{name}.ko.xz" in text or f"/{name}.ko\n" in builtin, name
    assert f"{release}/modules.dep" in text
    assert "/gpu/" not in text
    assert "/sound/" not in text
