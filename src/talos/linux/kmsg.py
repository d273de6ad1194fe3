"""Records of the kernel's log, /dev/kmsg (kernel documentation: ABI/testing/dev-kmsg)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Record:
    """One message. `time_us`: microseconds of the monotonic clock since boot."""

    facility: str
    priority: str
    sequence: int
    time_us: int
    message: str


def parse(raw: bytes) -> Record:
    """Parse what one read of /dev/kmsg returned. Raises ValueError."""
    prefix, _, rest = raw.partition(b";")
    numbers = prefix.split(b",")
    if len(numbers) < 3:
        raise ValueError(f"not a kernel log record: {raw[:80]!r}")
    level = int(numbers[0])
    text = rest.split(b"\n", 1)[0]
    text = _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), text)
    facility = level >> 3
    return Record(
        facility=FACILITIES[facility] if facility < len(FACILITIES) else str(facility),
        priority=PRIORITIES[level & 7],
        sequence=int(numbers[1]),
        time_us=int(numbers[2]),
        message=text.decode(errors="replace"),
    )


class Reader:
    """Non-blocking reader of the kernel log, from its start or from now on."""

    def __init__(self, path: str = "/dev/kmsg", *, tail: bool = False) -> None:
        """Open it. Raises OSError (PermissionError without CAP_SYSLOG)."""
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if tail:
            os.lseek(self.fd, 0, os.SEEK_END)

    def read(self) -> Record | None:
        """Return the next record, None when there is none now. Records overwritten meanwhile are skipped."""
        while True:
            try:
                raw = os.read(self.fd, 8192)
            except BlockingIOError:
                return None
            except BrokenPipeError:
                continue
            return parse(raw) if raw else None

    def close(self) -> None:
        """Close the file."""
        os.close(self.fd)
