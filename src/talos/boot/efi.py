"""What the firmware, systemd-boot and its stub left in EFI variables (Boot Loader Interface), read from efivarfs."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from talos.linux import mount

EFIVARS = Path("/sys/firmware/efi/efivars")
LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"


@dataclass(frozen=True, slots=True)
class Booted:
    """How this machine came up; empty strings for what nobody said.

    `image`: path of the unified kernel image on the partition `partition` (GUID, lower case); `entry`: the loader's
    name of it, without a counter; `loader`: the loader's own path.
    """

    image: str = ""
    partition: str = ""
    entry: str = ""
    loader: str = ""


def text(raw: bytes) -> str:
    """A string of a variable: UTF-16 with a zero at its end."""
    return raw.decode("utf-16-le", errors="replace").split("\0", 1)[0]


def path(raw: str) -> str:
    """A path with slashes, relative to the partition."""
    return raw.replace("\\", "/").strip("/")


def variable(name: str, vendor: str = LOADER, *, folder: Path = EFIVARS) -> bytes | None:
    """The value of a variable, None when there is none. The first four bytes of the file are attributes."""
    try:
        return (folder / f"{name}-{vendor}").read_bytes()[4:]
    except OSError:
        return None


def booted(folder: Path = EFIVARS) -> Booted:
    """Read it all."""

    def read(*names: str) -> str:
        for name in names:
            if (raw := variable(name, folder=folder)) is not None:
                return text(raw)
        return ""

    return Booted(
        image=path(read("StubImageIdentifier")),
        partition=read("StubDevicePartUUID", "LoaderDevicePartUUID").lower(),
        entry=read("LoaderEntrySelected").lower(),
        loader=path(read("LoaderImageIdentifier")),
    )


def available(folder: Path = EFIVARS) -> bool:
    """Whether variables can be read: efivarfs is mounted on a machine with UEFI."""
    try:
        return any(os.scandir(folder))
    except OSError:
        return False


def mount_variables(folder: Path = EFIVARS) -> None:
    """Mount efivarfs unless somebody has; its kernel module follows. Nothing on a machine without UEFI. Blocking."""
    if available(folder) or not folder.parent.is_dir():
        return
    # Two callers may come here at once: the second one is told that it is mounted.
    with contextlib.suppress(OSError):
        flags = mount.Flag.NOSUID | mount.Flag.NODEV | mount.Flag.NOEXEC
        mount.mount("efivarfs", os.fspath(folder), "efivarfs", flags)
