"""A configuration on a disk or CD: the file `config.yaml` of the file system labelled `metal-iso`."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

from talos.base import errors
from talos.linux import blkid, block, mount

LABEL, FILE = "metal-iso", "config.yaml"
DEV = Path("/dev")
_LIMIT_BYTES = 1 << 20


def find(devices: list[block.Device], dev: Path = DEV) -> tuple[Path, str] | None:
    """Return (device, type of its file system) of the one with the label, None without it."""
    for device in devices:
        with contextlib.suppress(OSError):
            found = blkid.probe_path(dev / device.name, device.sector_bytes)
            # Labels of FAT have no lower case.
            if found is not None and found.label.lower() == LABEL:
                return dev / device.name, found.name
    return None


def read(device: Path, kind: str) -> bytes:
    """Return the file of a file system. Raises Invalid if it is not there, OSError."""
    flags = mount.Flag.RDONLY | mount.Flag.NOSUID | mount.Flag.NODEV | mount.Flag.NOEXEC
    with tempfile.TemporaryDirectory(prefix="metal-iso-") as target:
        mount.mount(device, target, kind, flags)
        try:
            with (Path(target) / FILE).open("rb") as file:
                text = file.read(_LIMIT_BYTES + 1)
        except FileNotFoundError:
            raise errors.Invalid(f"{device} is labelled {LABEL} and has no {FILE}") from None
        finally:
            mount.unmount(target)
    if len(text) > _LIMIT_BYTES:
        raise errors.Invalid(f"{FILE} of {device} is larger than {_LIMIT_BYTES} bytes")
    return text


async def configuration(*, total_s: float, pause_s: float) -> bytes | None:
    """Wait for the disk and return its file, None when that is empty. Raises Temporary, Invalid."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + total_s
    while True:
        found = await asyncio.to_thread(lambda: find(block.listed()))
        if found is not None:
            try:
                text = await asyncio.to_thread(read, *found)
            except OSError as error:
                raise errors.Temporary(f"{found[0]}: {error.strerror or error}") from error
            return text if text.strip() else None
        if loop.time() + pause_s >= deadline:
            raise errors.Temporary(f"no disk has a file system labelled {LABEL}")
        await asyncio.sleep(pause_s)
