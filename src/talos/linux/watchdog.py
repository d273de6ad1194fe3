"""Hardware watchdogs (linux/watchdog.h): a device that restarts the machine unless it is fed in time."""

from __future__ import annotations

import array
import fcntl
import os

_IOR, _IOWR = 2, 3


def _number(direction: int, number: int) -> int:
    """ioctl number of group `W` for an int."""
    return direction << 30 | 4 << 16 | ord("W") << 8 | number


_KEEP_ALIVE = _number(_IOR, 5)
_SET_TIMEOUT = _number(_IOWR, 6)
_MAGIC_CLOSE = b"V"


class Watchdog:
    """An armed device. It bites when it is neither fed nor disarmed."""

    def __init__(self, path: str) -> None:
        """Open, and thereby arm. Raises OSError."""
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def set_timeout(self, seconds: int) -> int:
        """Set how long it waits for food; returns what the device made of it. Raises OSError."""
        value = array.array("i", [seconds])
        fcntl.ioctl(self._fd, _SET_TIMEOUT, value)
        return value[0]

    def feed(self) -> None:
        """Begin the wait anew. Raises OSError."""
        fcntl.ioctl(self._fd, _KEEP_ALIVE, array.array("i", [0]))

    def disarm(self) -> None:
        """Stop and close; a device that can not be stopped (`nowayout`) goes on."""
        try:
            os.write(self._fd, _MAGIC_CLOSE)
        finally:
            os.close(self._fd)
