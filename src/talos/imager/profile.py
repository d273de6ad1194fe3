"""What the imager can be asked for: the profiles, their outputs, and how a person changes them; data without effects.

A profile names a kind of output and its defaults; `Order` is a profile with everything decided. Values that make no
sense are refused here, with those that would, before a byte is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from talos.base import errors
from talos.boot import meta

ARCHITECTURE = "amd64"
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PLATFORM_ARGUMENT = "talos.platform="


class Kind(StrEnum):
    """What comes out."""

    ISO = "iso"
    IMAGE = "image"
    INSTALLER = "installer"
    KERNEL = "kernel"
    INITRAMFS = "initramfs"
    UKI = "uki"
    CMDLINE = "cmdline"


class Format(StrEnum):
    """How a disk image is laid out in its file."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VHD = "vhd"


class Packing(StrEnum):
    """How the file is compressed."""

    NONE = "none"
    ZST = "zst"
    XZ = "xz"
    GZ = "gz"


@dataclass(frozen=True, slots=True)
class Profile:
    """Defaults of one kind of output."""

    name: str
    kind: Kind
    platform: str = "metal"
    sector_bytes: int = 512
    format: Format = Format.RAW
    packing: Packing = Packing.NONE
    about: str = ""


_ALL = (
    Profile("iso", Kind.ISO, about="boots from a CD or a USB stick, under UEFI"),
    Profile("metal", Kind.IMAGE, packing=Packing.ZST, about="disk of a machine"),
    Profile("metal-4k", Kind.IMAGE, sector_bytes=4096, packing=Packing.ZST, about="disk with sectors of 4096 bytes"),
    Profile("metal-uki", Kind.UKI, about="unified kernel image"),
    Profile("nocloud", Kind.IMAGE, "nocloud", packing=Packing.ZST, about="disk of a machine set up by cloud-init data"),
    Profile("installer", Kind.INSTALLER, about="container image that machines install and upgrade from"),
    Profile("kernel", Kind.KERNEL, about="kernel alone"),
    Profile("initramfs", Kind.INITRAMFS, about="initramfs with the whole system"),
    Profile("uki", Kind.UKI, about="unified kernel image"),
    Profile("cmdline", Kind.CMDLINE, about="kernel command line"),
)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _ALL}


@dataclass(frozen=True, slots=True)
class Order:
    """A profile and what was asked to be different."""

    profile: Profile
    kind: Kind
    platform: str
    format: Format
    packing: Packing
    kernel_arguments: tuple[str, ...] = ()
    meta: Mapping[int, bytes] = field(default_factory=dict)
    configuration: bytes | None = None
    images: Path | None = None
    """Container images for a partition of their own (`imagecache`)."""

    @property
    def file_name(self) -> str:
        """Name of the output, as the original's imager gives it."""
        stem = f"{self.platform}-{ARCHITECTURE}"
        suffix = "" if self.packing is Packing.NONE else f".{self.packing}"
        variant = "-4k" if self.profile.sector_bytes != 512 else ""
        return {
            Kind.ISO: f"{stem}.iso",
            Kind.IMAGE: f"{self.platform}{variant}-{ARCHITECTURE}.{self.format}",
            Kind.INSTALLER: f"installer-{ARCHITECTURE}.tar",
            Kind.KERNEL: f"kernel-{ARCHITECTURE}",
            Kind.INITRAMFS: f"initramfs-{stem}.cpio",
            Kind.UKI: f"{stem}-uki.efi",
            Kind.CMDLINE: f"cmdline-{stem}",
        }[self.kind] + suffix


def _choose(kind: type[StrEnum], value: str, what: str) -> str:
    if value not in set(kind):
        raise errors.Invalid(f"{what} {value!r} is unknown; there are {', '.join(kind)}")
    return value


def find(name: str) -> Profile:
    """The profile of this name. Raises Invalid."""
    if name not in PROFILES:
        raise errors.Invalid(f"profile {name!r} is unknown; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def meta_values(given: Iterable[str]) -> dict[int, bytes]:
    """Keys and values of arguments like `0xa=text`. Raises Invalid."""
    values: dict[int, bytes] = {}
    for argument in given:
        key, sign, value = argument.partition("=")
        try:
            tag = int(key, 0)
        except ValueError:
            tag = 0
        if not sign or not 0 < tag < 256:
            raise errors.Invalid(f"META value {argument!r} is not of the form KEY=VALUE with a key from 0x01 to 0xff")
        if tag in values:
            raise errors.Invalid(f"META key {meta.resource_id(tag)} is given twice")
        values[tag] = value.encode()
    meta.encode(values)
    return values


def order(
    name: str,
    *,
    kind: str = "",
    platform: str = "",
    architecture: str = ARCHITECTURE,
    disk_format: str = "",
    packing: str = "",
    kernel_arguments: Sequence[str] = (),
    meta: Iterable[str] = (),
    configuration: bytes | None = None,
    images: Path | None = None,
) -> Order:
    """Decide everything; empty strings stand for the profile's defaults. Raises Invalid."""
    profile = find(name)
    chosen = Kind(_choose(Kind, kind, "output kind")) if kind else profile.kind
    if architecture != ARCHITECTURE:
        raise errors.Invalid(f"architecture {architecture!r} is not built; there is {ARCHITECTURE}")
    if platform and not _PLATFORM.fullmatch(platform):
        raise errors.Invalid(f"{platform!r} is not the name of a platform")
    if disk_format and chosen is not Kind.IMAGE:
        raise errors.Invalid(f"a disk format is for disk images; {name} gives {chosen}")
    values = meta_values(meta)
    if values and chosen is not Kind.IMAGE:
        raise errors.Invalid(f"META is part of disk images; {name} gives {chosen}")
    if images is not None and chosen is not Kind.IMAGE:
        raise errors.Invalid(f"an image cache is a partition of disk images; {name} gives {chosen}")
    if configuration is not None and chosen in {Kind.KERNEL, Kind.CMDLINE}:
        raise errors.Invalid(f"{chosen} has no place for a configuration")
    default = profile.packing if chosen is profile.kind and not (disk_format and disk_format != "raw") else Packing.NONE
    made = Order(
        profile,
        chosen,
        platform or profile.platform,
        Format(_choose(Format, disk_format, "disk format")) if disk_format else profile.format,
        Packing(_choose(Packing, packing, "compression")) if packing else default,
        tuple(word for argument in kernel_arguments for word in argument.split()),
        values,
        configuration,
        images,
    )
    if profile.sector_bytes != 512 and made.format is Format.VHD:
        raise errors.Invalid("vhd knows sectors of 512 bytes only")
    return made


def cmdline(base: str, platform: str, changes: Sequence[str]) -> str:
    """`base` for a platform, with arguments added, or taken away by `-name` and `-name=value`."""
    words = [f"{_PLATFORM_ARGUMENT}{platform}" if w.startswith(_PLATFORM_ARGUMENT) else w for w in base.split()]
    for change in changes:
        if not change.startswith("-"):
            words.append(change)
            continue
        gone = change[1:]
        words = [w for w in words if w != gone and ("=" in gone or w.partition("=")[0] != gone)]
    return " ".join(words)
