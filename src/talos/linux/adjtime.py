"""The kernel's clock discipline, adjtimex(2): stepping the clock, slewing it, and how well it is doing.

Layout and constants are those of linux/timex.h for 64-bit machines; offsets are nanoseconds (STA_NANO).
"""

from __future__ import annotations

import ctypes
import math
import time
from dataclasses import dataclass

from talos.linux import _libc

_ADJ_OFFSET, _ADJ_STATUS, _ADJ_TIMECONST = 0x0001, 0x0010, 0x0020
_ADJ_MAXERROR, _ADJ_ESTERROR = 0x0004, 0x0008
_ADJ_SETOFFSET, _ADJ_NANO = 0x0100, 0x2000
_STA_PLL, _STA_UNSYNC, _STA_NANO = 0x0001, 0x0040, 0x2000
_NANO = 1_000_000_000
_STATES = ("OK", "INS", "DEL", "OOP", "WAIT", "ERROR")
_FLAGS = (
    "PLL", "PPSFREQ", "PPSTIME", "FLL", "INS", "DEL", "UNSYNC", "FREQHOLD",
    "PPSSIGNAL", "PPSJITTER", "PPSWANDER", "PPSERROR", "CLOCKERR", "NANO", "MODE", "CLK",
)  # fmt: skip
_SHORTEST_POLL_LOG2 = 4


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("subseconds", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


@dataclass(frozen=True, slots=True)
class Status:
    """What the kernel says of its clock. Errors and offset in seconds; `frequency_ratio`: 1.0 for an unadjusted one."""

    offset_s: float
    frequency_ratio: float
    max_error_s: float
    est_error_s: float
    flags: tuple[str, ...]
    constant: int
    synced: bool
    state: str


def status_of(state: int, timex: _Timex) -> Status:
    """The kernel's answer in words."""
    unit = 1e-9 if timex.status & _STA_NANO else 1e-6
    return Status(
        offset_s=timex.offset * unit,
        frequency_ratio=1 + timex.freq / 65536 / 1e6,
        max_error_s=timex.maxerror / 1e6,
        est_error_s=timex.esterror / 1e6,
        flags=tuple(name for bit, name in enumerate(_FLAGS) if timex.status & 1 << bit),
        constant=timex.constant,
        synced=not timex.status & _STA_UNSYNC,
        state=_STATES[state] if state < len(_STATES) else str(state),
    )


class Clock:
    """The machine's real-time clock."""

    def now(self) -> float:
        """UNIX seconds."""
        return time.time()

    def _adjust(self, timex: _Timex) -> int:
        return _libc.check(_libc.libc.adjtimex(ctypes.byref(timex)))

    def status(self) -> Status:
        """Ask without changing anything. Raises OSError."""
        timex = _Timex()
        return status_of(self._adjust(timex), timex)

    def step(self, offset_s: float) -> None:
        """Set the clock forward or back at once. Raises OSError (PermissionError without CAP_SYS_TIME)."""
        whole = math.floor(offset_s)
        timex = _Timex(modes=_ADJ_SETOFFSET | _ADJ_NANO, seconds=whole)
        timex.subseconds = min(round((offset_s - whole) * _NANO), _NANO - 1)
        self._adjust(timex)
        self.slew(0.0, 2**_SHORTEST_POLL_LOG2)

    def slew(self, offset_s: float, poll_s: float) -> None:
        """Let the clock run faster or slower till the offset (within half a second) is gone; `poll_s`: until the next.

        Also says that the clock is synchronised: the kernel then keeps the hardware clock right by itself.
        """
        timex = _Timex(modes=_ADJ_OFFSET | _ADJ_STATUS | _ADJ_TIMECONST | _ADJ_NANO | _ADJ_MAXERROR | _ADJ_ESTERROR)
        timex.offset = round(offset_s * _NANO)
        timex.status = _STA_PLL
        timex.constant = max(0, round(math.log2(max(poll_s, 1.0))) - _SHORTEST_POLL_LOG2)
        self._adjust(timex)
