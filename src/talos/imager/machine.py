"""Makes what a machine boots: a unified kernel image, and a disk image with it.

    root image + modules ─┐
    first stage (Python) ─┴ initramfs ─┐
    Debian's kernel ───────────────────┼ unified kernel image ─┐
    command line, os-release ──────────┘                       ├ EFI partition ─ disk image (+ META)
    systemd-boot ──────────────────────────────────────────────┘

The root and module images are carried in the initramfs, uncompressed because they are compressed themselves: whatever
vouches for the unified kernel image, a signature or a TPM's measurement, vouches for every file of the system.
With a signing key both programs for the firmware are signed, and the partition holds the databases from which a
firmware in setup mode enrols its certificate.
The same inputs give the same bytes: GUIDs and the FAT serial number come from names, times are fixed.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from talos.base.constants import kernel as kernel_arguments
from talos.base.constants import partitions, versions
from talos.imager import cache, cpio, elf, imagecache, images, kernel, rootfs, tarlayer, uki
from talos.linux import gpt
from talos.pki import authenticode, secureboot, x509

_LAYOUT = 4  # raised when the way of putting together changes
_TIMEOUT_S = 600.0
_MIB = 1 << 20
_STUB, _LOADER = "linuxx64.efi.stub", "systemd-bootx64.efi"
_NAMESPACE = uuid.UUID("6ff4d6a5-9e7c-5d0a-8f2b-0e3a57c0de11")  # any constant: GUIDs are derived from it and a name
_LOADER_CONF = b"timeout 0\neditor no\n"
_ENROL = b"secure-boot-enroll "
_KEYS = "loader/keys/auto"

PANIC = "panic=10"
"""A kernel that cannot go on starts again, so that the loader's boot counter gets its chance."""

# What the first stage imports, beside what the interpreter has within itself.
_STDLIB = (
    "__future__",
    "encodings/__init__",
    "encodings/aliases",
    "encodings/utf_8",
    "struct",
    "types",
    "ctypes/__init__",
    "ctypes/_endian",
)
_EXTENSIONS = ("_ctypes.", "_struct.")
_STAGE = ("talos/__init__", "talos/init/__init__", "talos/init/stage1")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Inputs of a machine image."""

    rootfs: rootfs.Recipe
    kernel: kernel.Kernel
    platform: str = "metal"
    consoles: tuple[str, ...] = ("tty0", "ttyS0")
    arguments: tuple[str, ...] = ()
    log: Path = field(default=Path("machine.log"))
    signing: x509.KeyPair | None = None
    images: Path | None = None
    """Container images for a partition of their own (`imagecache.build`); None: the machine pulls all it runs."""
    enrol: str = "if-safe"
    """When systemd-boot enrols the certificate (loader.conf(5)); `if-safe`: by itself in virtual machines only."""

    @property
    def modules_table(self) -> Path:
        """Which kernel modules come along."""
        return self.rootfs.folder / "modules.toml"

    def cmdline(self) -> str:
        """The kernel's command line."""
        consoles = [f"console={name}" for name in self.consoles]
        words = [f"talos.platform={self.platform}", *consoles, *kernel_arguments.DEFAULT, PANIC, *self.arguments]
        return " ".join(words)


def guid(name: str) -> uuid.UUID:
    """The GUID this project's images give to a disk or partition of this name."""
    return uuid.uuid5(_NAMESPACE, name)


def _first_stage(recipe: Recipe) -> dict[str, cpio.Entry]:
    """The interpreter and the little it needs, taken from the root file system's own base."""
    base = rootfs.base(recipe.rootfs) / "root"
    library = "usr/lib/python3.13"
    dynload = base / library / "lib-dynload"
    paths = ["usr/bin/pytalos", *(f"{library}/{name}.pyc" for name in _STDLIB)]
    paths += [f"{library}/lib-dynload/{p.name}" for p in sorted(dynload.glob("*.so")) if p.name.startswith(_EXTENSIONS)]
    present = [path for path in paths if (base / path).exists()]
    libraries = elf.closure(base, [base / path for path in present], images.LIBRARIES)
    entries = {
        path.lstrip("/"): cpio.file((base / path.lstrip("/")).read_bytes(), 0o755) for path in [*present, *libraries]
    }
    sources = {f"/usr/lib/pytalos/app/{name}.py": recipe.rootfs.checkout / "src" / f"{name}.py" for name in _STAGE}
    for name, compiled in recipe.rootfs.compiler().compile(sources).items():
        entries[f"{name[1:]}c"] = cpio.file(compiled.read_bytes())
    entries |= {"lib": cpio.link("usr/lib"), "lib64": cpio.link("usr/lib64")}
    # The kernel opens the console before anything mounts /dev.
    entries |= {"dev/console": cpio.character(5, 1), "init": cpio.link("usr/bin/pytalos")}
    return entries


def _initramfs(recipe: Recipe, packed: Path, chosen: Path, folder: Path) -> bytes:
    small = _first_stage(recipe)
    for path in sorted((chosen / "first").iterdir()):
        small[f"modules/{path.name}"] = cpio.file(path.read_bytes())
    plain = folder / "first.cpio"
    plain.write_bytes(cpio.archive(small))
    argv = ["zstd", "-q", "-19", "--rm", str(plain), "-o", f"{plain}.zst"]
    recipe.kernel.tree.run(argv, log=recipe.log, timeout_s=_TIMEOUT_S, shared=[folder])
    compressed = (folder / "first.cpio.zst").read_bytes()
    (folder / "first.cpio.zst").unlink()
    carried = {
        "rootfs.sqsh": cpio.file(packed.read_bytes()),
        "modules.sqsh": cpio.file((chosen / "modules.sqsh").read_bytes()),
    }
    # The plain archive begins with what cannot continue a zstd stream, aligned as the kernel wants it. It goes first:
    # behind a compressed one the kernel looks for padding it does not expect.
    return cpio.archive(carried) + compressed


def image_key(recipe: Recipe) -> str:
    """Changes with everything that decides the bytes."""
    stage = [cache.file_sha256(recipe.rootfs.checkout / "src" / f"{name}.py") for name in _STAGE]
    table = cache.file_sha256(recipe.modules_table)
    return cache.key(
        _LAYOUT,
        rootfs.key(recipe.rootfs),
        recipe.kernel.tree.describe(),
        table,
        stage,
        recipe.cmdline(),
        versions.RELEASE,
        recipe.images.parent.name if recipe.images is not None else "",
        *([] if recipe.signing is None else [_signing_key(recipe.signing), recipe.enrol]),
    )


def _signing_key(signing: x509.KeyPair) -> str:
    """Changes with certificate and key; tells nothing of the key."""
    return hashlib.sha256(signing.crt + b"\0" + signing.key).hexdigest()


def _modules_key(recipe: Recipe) -> str:
    described = recipe.kernel.tree.describe(("linux-image", "kmod", "squashfs-tools"))
    return cache.key(_LAYOUT, described, cache.file_sha256(recipe.modules_table))


def modules_cached(recipe: Recipe) -> bool:
    """Whether the packed modules are there."""
    return cache.Cache("kernel-modules").get(_modules_key(recipe)) is not None


def modules(recipe: Recipe) -> Path:
    """Folder with the packed modules, from the cache or made now."""
    wanted = kernel.choice(recipe.modules_table)

    def make(folder: Path) -> None:
        kernel.fill(recipe.kernel, wanted, folder, recipe.log)

    return cache.Cache("kernel-modules").build(_modules_key(recipe), make, sync=False)


def _unified(recipe: Recipe, folder: Path) -> bytes:
    boot = recipe.kernel.tree.path / "usr/lib/systemd/boot/efi"
    built = uki.build(
        (boot / _STUB).read_bytes(),
        kernel=recipe.kernel.image.read_bytes(),
        initramfs=_initramfs(recipe, rootfs.build(recipe.rootfs), modules(recipe), folder),
        cmdline=recipe.cmdline(),
        os_release=rootfs.os_release(),
        release=recipe.kernel.release,
    )
    return built if recipe.signing is None else authenticode.sign(built, recipe.signing)


def entry_name(version: str = versions.RELEASE) -> str:
    """File name of a version's unified kernel image; the loader sorts by it."""
    return f"PyTalos-{version}.efi"


def esp_files(recipe: Recipe, image: Path) -> Mapping[str, Path | bytes]:
    """What the EFI system partition holds."""
    loader = recipe.kernel.tree.path / "usr/lib/systemd/boot/efi" / _LOADER
    files: dict[str, Path | bytes] = {"EFI/BOOT/BOOTX64.EFI": loader, f"EFI/Linux/{entry_name()}": image}
    if recipe.signing is None:
        return files | {"loader/loader.conf": _LOADER_CONF}
    moment = datetime.datetime.fromtimestamp(tarlayer.EPOCH, datetime.UTC)
    databases = secureboot.database(recipe.signing.crt, recipe.signing, moment=moment)
    files |= {f"{_KEYS}/{name}.auth": content for name, content in databases.items()}
    files["loader/loader.conf"] = _LOADER_CONF + _ENROL + recipe.enrol.encode() + b"\n"
    files["EFI/BOOT/BOOTX64.EFI"] = authenticode.sign(loader.read_bytes(), recipe.signing)
    return files


def disk_table(label: str, images_bytes: int = 0) -> gpt.Table:
    """Partitions of a disk image; the volume manager adds the others on the disk it finds itself on."""
    room = -(-images_bytes // _MIB) * _MIB
    total = (partitions.EFI_BYTES + partitions.META_BYTES) + room + 2 * _MIB
    table = gpt.empty(guid(label), total)
    table = table.add(gpt.EFI_SYSTEM, guid(f"{label}/EFI"), partitions.EFI, partitions.EFI_BYTES)
    table = table.add(gpt.LINUX_DATA, guid(f"{label}/META"), partitions.META, partitions.META_BYTES)
    if not room:
        return table
    return table.add(gpt.LINUX_DATA, guid(f"{label}/IMAGECACHE"), partitions.IMAGECACHE, room)


def _fill_esp(recipe: Recipe, disk: Path, part: gpt.Partition, image: Path, folder: Path) -> None:
    stage = folder / "esp"
    for name, content in esp_files(recipe, image).items():
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
    for path in [*stage.rglob("*"), stage]:
        os.utime(path, (tarlayer.EPOCH, tarlayer.EPOCH))
    offset, blocks = part.first * 512, part.sectors * 512 // 1024
    serial = guid("serial").hex[:8]
    run, shared = recipe.kernel.tree.run, [folder]
    env = {"SOURCE_DATE_EPOCH": str(tarlayer.EPOCH), "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1"}
    argv: Sequence[str] = [
        "mkfs.fat",
        "--invariant",
        "-F",
        "32",
        "-i",
        serial,
        "-n",
        "EFI",
        "--offset",
        str(part.first),
    ]
    run([*argv, str(disk), str(blocks)], log=recipe.log, timeout_s=_TIMEOUT_S, shared=shared, env=env)
    tops = [str(path) for path in sorted(stage.iterdir())]
    argv = ["mcopy", "-s", "-m", "-b", "-i", f"{disk}@@{offset}", *tops, "::/"]
    run(argv, log=recipe.log, timeout_s=_TIMEOUT_S, shared=shared, env=env)
    shutil.rmtree(stage)


def fill(recipe: Recipe, folder: Path) -> None:
    """Make the image in `folder`."""
    image = folder / "pytalos.efi"
    image.write_bytes(_unified(recipe, folder))
    (folder / "cmdline").write_text(recipe.cmdline() + "\n")
    images_bytes = recipe.images.stat().st_size if recipe.images is not None else 0
    disk, table = folder / "disk.raw", disk_table(recipe.platform, images_bytes)
    with disk.open("wb") as target:
        target.truncate(table.sectors * table.sector_bytes)
        for offset, data in gpt.layout(table):
            target.seek(offset)
            target.write(data)
        if recipe.images is not None:
            target.seek(table.partitions[2].first * 512)
            with recipe.images.open("rb") as source:
                shutil.copyfileobj(source, target, 4 * _MIB)
            os.link(recipe.images, folder / imagecache.FILE)
    _fill_esp(recipe, disk, table.partitions[0], image, folder)


def cached(recipe: Recipe) -> bool:
    """Whether the image is there. May make the root file system's base."""
    return cache.Cache("machines").get(image_key(recipe)) is not None


def build(recipe: Recipe) -> Path:
    """Folder with `pytalos.efi`, `disk.raw` (sparse), `cmdline` and what `images` packs, from the cache or made now.

    The newest unsigned one is `current`.
    """
    kept = cache.Cache("machines")
    folder = kept.build(image_key(recipe), lambda temporary: fill(recipe, temporary), sync=False)
    if recipe.signing is not None:
        return folder
    link = kept.folder / f".current.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.rename(kept.folder / "current")
    return folder
