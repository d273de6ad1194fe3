"""Namespaces: unshare(2), setns(2), pivot_root(2), and the end of a process with its parent (namespaces(7))."""

from __future__ import annotations

import ctypes
import enum
import os
import platform

from talos.base import errors
from talos.linux import mount
from talos.linux._libc import check, libc

_PR_SET_PDEATHSIG = 1
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}


class Kind(enum.IntFlag):
    """CLONE_NEW* flags."""

    MOUNT = 0x00020000
    CGROUP = 0x02000000
    UTS = 0x04000000
    IPC = 0x08000000
    USER = 0x10000000
    PID = 0x20000000
    NET = 0x40000000


def unshare(kinds: Kind) -> None:
    """Give the calling process new namespaces; PID applies to its next children. Raises OSError."""
    check(libc.unshare(ctypes.c_int(int(kinds))))


def enter(fd: int, kind: Kind) -> None:
    """Join the namespace behind a descriptor of /proc/<pid>/ns/…. Raises OSError."""
    check(libc.setns(fd, ctypes.c_int(int(kind))))


def pivot(root: str | os.PathLike[str]) -> None:
    """Make the mount point `root` the root of this mount namespace and let go of the old one with all below it.

    Mounts must not be shared with another namespace (make them private first). Raises OSError.
    """
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise errors.Unsupported(f"pivot_root on {platform.machine()}")
    os.chdir(root)
    # Both arguments may be the same: the old root is then stacked under the new one (pivot_root(2), notes).
    check(libc.syscall(ctypes.c_long(number), b".", b"."), os.fspath(root))
    mount.unmount(".", mount.Detach.LAZY)
    os.chdir("/")


def end_with_parent(number: int) -> None:
    """Have the kernel send this signal to the calling process when its parent ends (survives exec)."""
    check(libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0))
