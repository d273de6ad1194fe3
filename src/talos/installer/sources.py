"""Where the system to install comes from: a file, the medium the machine was started from, the layers of an OCI image.

An installer image holds `usr/install/<arch>/vmlinuz.efi` (the unified kernel image) and `systemd-boot.efi`, as the
original's do. Nothing of it runs before it was looked at: the image has to be whole, for this machine, and ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from talos.base import errors
from talos.boot import esp, pe

ID = "pytalos"
FOLDER = "usr/install"
IMAGE, LOADER = "vmlinuz.efi", "systemd-boot.efi"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PIECE = 4 << 20
_MAX_LOADER = 8 << 20
_MAX_IMAGE = 2 << 30


@dataclass(frozen=True, slots=True)
class Found:
    """A system as a file, with what it says of itself."""

    system: esp.System
    about: pe.Image
    path: Path


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece


def from_file(path: Path, loader: bytes | None = None, machine: str = "") -> Found:
    """A unified kernel image in a file. Raises Invalid for one that is not whole or not ours, OSError."""
    machine = machine or os.uname().machine
    with path.open("rb") as source:
        size = os.fstat(source.fileno()).st_size
        about = pe.inspect(lambda offset, length: os.pread(source.fileno(), length, offset), size, machine)
        source.seek(0)
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    if about.os_release.get("ID") != ID:
        raise errors.Invalid(
            f"the image holds {about.os_release.get('NAME') or 'a system without a name'}, not this one"
        )
    if loader is not None:
        check_loader(loader, machine)
    return Found(esp.System(lambda: _pieces(path), size, digest, about.version, loader), about, path)


def check_loader(loader: bytes, machine: str) -> None:
    """Raises Invalid for what is no boot loader for this machine."""
    found = pe.sections(lambda offset, length: loader[offset : offset + length], len(loader), machine)
    if ".text" not in found:
        raise errors.Invalid("the boot loader has no code")


def from_partition(partition: esp.Partition, image: str, loader: str, folder: Path) -> Found:
    """The system a partition holds, copied to `folder`. Raises NotFound, Invalid, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / IMAGE
    with path.open("wb") as sink:
        for piece in partition.volume.read(image):
            sink.write(piece)
    return from_file(path, partition.volume.read_bytes(loader, _MAX_LOADER), partition.machine)


def from_layers(layers: Sequence[Path], folder: Path, machine: str = "") -> Found:
    """The system an installer image holds in its layers (tar files, compressed or not; later ones count).

    Raises Invalid for an image that is no installer, Conflict when `folder` has no room, OSError.
    """
    machine = machine or os.uname().machine
    below = f"{FOLDER}/{ARCHITECTURES.get(machine, machine)}"
    folder.mkdir(parents=True, exist_ok=True)
    image, loader = folder / IMAGE, folder / LOADER
    for stale in (image, loader):
        stale.unlink(missing_ok=True)
    for layer in layers:
        with open_layer(layer) as archive:
            for member in archive:
                name = member.name.removeprefix("./").lstrip("/")
                if name in {f"{below}/{IMAGE}", f"{below}/{LOADER}"} and member.isreg():
                    _extract(archive, member, folder)
    if not image.exists():
        raise errors.Invalid(f"not an installer image: it has no {below}/{IMAGE}")
    return from_file(image, loader.read_bytes() if loader.exists() else None, machine)


@contextlib.contextmanager
def open_layer(path: Path) -> Iterator[tarfile.TarFile]:
    """A layer as a tar file that is read once. Raises Invalid."""
    with path.open("rb") as source:
        magic = source.read(4)
        source.seek(0)
        try:
            with tarfile.open(fileobj=_unpacked(source, magic), mode="r|*") as archive:
                yield archive
        except errors.TalosError:
            raise
        except Exception as error:
            # Each way of compression has errors of its own.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise errors.Invalid("a layer of the image is no tar archive, or is cut short") from error


def _unpacked(source: IO[bytes], magic: bytes) -> IO[bytes]:
    if magic != b"\x28\xb5\x2f\xfd":
        return source
    import zstandard

    stream: IO[bytes] = zstandard.ZstdDecompressor().stream_reader(source, closefd=False)
    return stream


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    limit = _MAX_LOADER if member.name.endswith(LOADER) else _MAX_IMAGE
    if member.size > limit:
        raise errors.Invalid(f"{member.name} of {member.size} bytes is too large")
    free = shutil.disk_usage(folder).free
    if member.size > free:
        raise errors.Conflict(f"{folder} has room for {free >> 20} MiB, {member.name} needs {member.size >> 20} MiB")
    source = archive.extractfile(member)
    assert source is not None
    with (folder / member.name.rsplit("/", 1)[-1]).open("wb") as sink:
        shutil.copyfileobj(source, sink, _PIECE)
