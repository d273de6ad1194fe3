"""Time as a dependency: code that waits takes a Clock, so that its tests need not wait.

`System` is the only implementation outside of tests; `talos.testing` has one whose time is turned by hand.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import Protocol


class Clock(Protocol):
    """Wall clock, monotonic clock and sleeping."""

    def now(self) -> datetime.datetime:
        """Return wall clock time, always in UTC."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary point; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class System:
    """The clock of the machine."""

    def now(self) -> datetime.datetime:
        """Return wall clock time in UTC."""
        return datetime.datetime.now(datetime.UTC)

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)
