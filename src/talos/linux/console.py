"""The consoles of the machine: which there are, and one line on each that says how it is.

On a screen the line stays in its first row: what scrolls does so below it (DECSTBM, which the kernel's terminal obeys
for its own messages, too). On a serial line it is one line among the others. Nothing of it goes to the kernel's log.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_SCREEN = re.compile(r"tty\d+")
_SCREEN_COLUMNS, _SERIAL_COLUMNS = 79, 240


@dataclass(frozen=True, slots=True)
class Console:
    """One console. `screen`: a terminal of the kernel, not a line to somewhere else."""

    path: Path
    screen: bool


def listed(text: str, devices: Path = Path("/dev")) -> list[Console]:
    """The consoles that /proc/consoles (`text`) speaks of and that can be written to; pure."""
    rows = [line.split() for line in text.splitlines()]
    return [
        Console(devices / row[0], _SCREEN.fullmatch(row[0]) is not None)
        for row in rows
        if len(row) > 1 and "W" in row[1] and "/" not in row[0]
    ]


def line(text: str, *, screen: bool) -> bytes:
    """What shows `text`; characters that a firmware's font lacks, or that a terminal obeys, become `?`. Pure."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    if screen:
        return f"\x1b7\x1b[2r\x1b[1;1H\x1b[7m{plain[:_SCREEN_COLUMNS]}\x1b[K\x1b[0m\x1b8".encode()
    return f"\r\x1b[K{plain[:_SERIAL_COLUMNS]}\r\n".encode()


def show(text: str, proc: Path = Path("/proc"), devices: Path = Path("/dev")) -> None:
    """Show `text` on every console; one that takes nothing just now is left out. Raises OSError without /proc."""
    for console in listed((proc / "consoles").read_text(encoding="ascii"), devices):
        try:
            fd = os.open(console.path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            os.write(fd, line(text, screen=console.screen))
        except OSError:
            continue
        finally:
            os.close(fd)
