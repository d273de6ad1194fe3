"""Waiting for processes without signals and threads: pidfd_open(2) and the event loop.

A pid alone can be reused; a process is named by pid and start time (field 22 of /proc/<pid>/stat, clock ticks since
boot), and a pidfd keeps meaning the same process.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path


def start_time(pid: int) -> int:
    """Return the start time of a process in clock ticks since boot. Raises FileNotFoundError or ProcessLookupError."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    # The command in parentheses may hold spaces and parentheses itself.
    return int(stat[stat.rindex(")") + 2 :].split()[19])


def is_zombie(pid: int) -> bool:
    """Tell whether the process has ended and only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat[stat.rindex(")") + 2] in "ZX"


class Handle:
    """A process, referred to by a file descriptor. Close it, or let `wait` do so."""

    def __init__(self, pid: int) -> None:
        """Open the process. Raises ProcessLookupError when it does not exist."""
        self.pid = pid
        self._fd = os.pidfd_open(pid)
        self._ended: asyncio.Future[None] | None = None

    @classmethod
    def find(cls, pid: int, started: int) -> Handle | None:
        """Open the process with this pid and start time; None when it is gone or the pid belongs to another one."""
        try:
            handle = cls(pid)
        except OSError:
            return None
        try:
            # Read after the open: from here on the pid cannot be reused unnoticed.
            if start_time(pid) == started and not is_zombie(pid):
                return handle
        except OSError:
            pass
        handle.close()
        return None

    def signal(self, number: int) -> bool:
        """Send a signal; False when the process has ended."""
        try:
            signal.pidfd_send_signal(self._fd, number)
        except OSError:
            return False
        return True

    async def wait_end(self) -> None:
        """Return when the process has ended. Several tasks may wait."""
        if self._ended is None:
            loop = asyncio.get_running_loop()
            self._ended = loop.create_future()
            loop.add_reader(self._fd, self._on_end, loop)
        await asyncio.shield(self._ended)

    def _on_end(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._fd)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def reap(self) -> tuple[int | None, int]:
        """Collect the exit status of an ended child: (code, 0) or (None, signal); (None, 0) if it is not our child."""
        try:
            status = os.waitid(os.P_PIDFD, self._fd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return None, 0
        if status is None:
            return None, 0
        if status.si_code == os.CLD_EXITED:
            return status.si_status, 0
        return None, status.si_status

    def close(self) -> None:
        """Forget the process."""
        if self._fd < 0:
            return
        if self._ended is not None and not self._ended.done():
            self._ended.get_loop().remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1
