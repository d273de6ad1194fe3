"""Capabilities of processes (capabilities(7)): names, reading, dropping.

`restrict` is meant for the child between fork and exec; it makes system calls only.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path

from talos.linux._libc import check, libc

NAMES: tuple[str, ...] = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
"""Index = number of the capability (linux/capability.h)."""

_NUMBERS = {name: number for number, name in enumerate(NAMES)}
_PR_SET_KEEPCAPS = 8
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def mask(names: Iterable[str]) -> int:
    """Return the bit mask of capability names. Raises KeyError for an unknown name."""
    return sum(1 << _NUMBERS[name] for name in set(names))


def names(bits: int) -> frozenset[str]:
    """Return the names in a bit mask; bits the kernel knows and we do not are left out."""
    return frozenset(name for name, number in _NUMBERS.items() if bits >> number & 1)


def effective(pid: int | str = "self") -> frozenset[str]:
    """Return the effective capabilities of a process."""
    return names(_status(pid, "CapEff"))


def bounding(pid: int | str = "self") -> frozenset[str]:
    """Return the bounding set of a process."""
    return names(_status(pid, "CapBnd"))


def _status(pid: int | str, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1], 16)
    return 0


def last_capability() -> int:
    """Return the highest capability number of the running kernel."""
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text())


def set_no_new_privileges() -> None:
    """Set no_new_privs on the calling thread: exec never gains privileges again."""
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def keep_on_setuid() -> None:
    """Let the permitted set survive the coming change from uid 0 to another uid."""
    check(libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))


def drop_bounding(keep: int, last: int) -> None:
    """Drop all capabilities up to number `last` that are not in `keep` from the bounding set."""
    for number in range(last + 1):
        if not keep >> number & 1:
            check(libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0))


def set_all(bits: int) -> None:
    """Set permitted, effective and inheritable to `bits` and make them ambient, so that a non-root exec keeps them."""
    header = _Header(_VERSION_3, 0)
    data = (_Data * 2)(
        _Data(bits & 0xFFFFFFFF, bits & 0xFFFFFFFF, bits & 0xFFFFFFFF), _Data(bits >> 32, bits >> 32, bits >> 32)
    )
    check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    check(libc.capset(ctypes.byref(header), ctypes.byref(data)))
    for number in range(bits.bit_length()):
        if bits >> number & 1:
            check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0))
