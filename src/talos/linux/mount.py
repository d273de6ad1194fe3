"""mount(2), umount2(2), propagation, statfs(2) and the table of mounts.

Flags and magic numbers: linux/mount.h, linux/magic.h. Format of mountinfo: proc_pid_mountinfo(5).
"""

from __future__ import annotations

import ctypes
import enum
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from talos.linux._libc import check, libc


class Flag(enum.IntFlag):
    """MS_* flags."""

    NONE = 0
    RDONLY = 1
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    REMOUNT = 32
    NOATIME = 1024
    BIND = 4096
    MOVE = 8192
    REC = 16384
    SILENT = 32768
    UNBINDABLE = 1 << 17
    PRIVATE = 1 << 18
    SLAVE = 1 << 19
    SHARED = 1 << 20
    RELATIME = 1 << 21


class Detach(enum.IntFlag):
    """Flags of umount2."""

    NONE = 0
    FORCE = 1
    LAZY = 2
    EXPIRE = 4
    NOFOLLOW = 8


TMPFS_MAGIC = 0x01021994
CGROUP2_MAGIC = 0x63677270
OVERLAY_MAGIC = 0x794C7630


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/<pid>/mountinfo."""

    id: int
    parent: int
    device: str  # "major:minor"
    root: str
    target: str
    options: tuple[str, ...]
    propagation: tuple[str, ...]
    fs_type: str
    source: str
    super_options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Sizes of a file system in bytes and inodes."""

    size_bytes: int
    free_bytes: int
    available_bytes: int
    files: int
    files_free: int


def mount(
    source: str | os.PathLike[str] | None,
    target: str | os.PathLike[str],
    fs_type: str | None = None,
    flags: Flag = Flag.NONE,
    data: str = "",
) -> None:
    """Call mount(2). Raises OSError with source and target."""
    result = libc.mount(
        os.fsencode(source) if source is not None else None,
        os.fsencode(target),
        fs_type.encode() if fs_type else None,
        ctypes.c_ulong(flags),
        data.encode() if data else None,
    )
    check(result, os.fspath(source) if source is not None else (fs_type or ""), os.fspath(target))


def bind(
    source: str | os.PathLike[str], target: str | os.PathLike[str], *, read_only: bool = False, recursive: bool = False
) -> None:
    """Bind-mount; read-only needs a second call because the kernel ignores other flags in the first."""
    mount(source, target, flags=Flag.BIND | (Flag.REC if recursive else Flag.NONE))
    if read_only:
        mount(None, target, flags=Flag.BIND | Flag.REMOUNT | Flag.RDONLY)


def propagate(target: str | os.PathLike[str], kind: Flag, *, recursive: bool = False) -> None:
    """Set the propagation of a mount: `kind` is SHARED, SLAVE, PRIVATE or UNBINDABLE."""
    mount(None, target, flags=kind | (Flag.REC if recursive else Flag.NONE))


def unmount(target: str | os.PathLike[str], flags: Detach = Detach.NONE) -> None:
    """Call umount2(2). Raises OSError with the target."""
    check(libc.umount2(os.fsencode(target), int(flags)), os.fspath(target))


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, char)
    return field


def parse_mountinfo(lines: Iterable[str]) -> Iterator[Mount]:
    """Parse mountinfo; lines that do not have the format are skipped."""
    for line in lines:
        left, separator, right = line.rstrip("\n").partition(" - ")
        fields, rest = left.split(" "), right.split(" ")
        if not separator or len(fields) < 6 or len(rest) < 2:
            continue
        yield Mount(
            id=int(fields[0]),
            parent=int(fields[1]),
            device=fields[2],
            root=_unescape(fields[3]),
            target=_unescape(fields[4]),
            options=tuple(fields[5].split(",")),
            propagation=tuple(fields[6:]),
            fs_type=rest[0],
            source=_unescape(rest[1]),
            super_options=tuple(rest[2].split(",")) if len(rest) > 2 else (),
        )


def table(pid: int | str = "self") -> list[Mount]:
    """Return the mounts a process sees, in mount order."""
    with Path(f"/proc/{pid}/mountinfo").open(encoding="utf-8", errors="surrogateescape") as source:
        return list(parse_mountinfo(source))


def find(target: str | os.PathLike[str], mounts: Iterable[Mount] | None = None) -> Mount | None:
    """Return the topmost mount exactly at `target`."""
    wanted = os.fspath(target)
    return next((m for m in reversed(list(table() if mounts is None else mounts)) if m.target == wanted), None)


def is_mounted(target: str | os.PathLike[str]) -> bool:
    """Tell whether something is mounted exactly at `target`."""
    return find(target) is not None


def usage(path: str | os.PathLike[str]) -> Usage:
    """Return the sizes of the file system that holds `path`."""
    stat = os.statvfs(path)
    return Usage(
        size_bytes=stat.f_blocks * stat.f_frsize,
        free_bytes=stat.f_bfree * stat.f_frsize,
        available_bytes=stat.f_bavail * stat.f_frsize,
        files=stat.f_files,
        files_free=stat.f_ffree,
    )


def magic(path: str | os.PathLike[str]) -> int:
    """Return `f_type` of statfs(2): what kind of file system holds `path`."""
    buffer = (ctypes.c_long * 32)()
    check(libc.statfs(os.fsencode(path), buffer), os.fspath(path))
    return int(buffer[0])


def sync_filesystem(path: str | os.PathLike[str]) -> None:
    """Call syncfs(2) for the file system that holds `path`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        check(libc.syncfs(fd), os.fspath(path))
    finally:
        os.close(fd)
