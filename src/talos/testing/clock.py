"""Time turned by hand: code under test sleeps, the test says how much time has passed."""

from __future__ import annotations

import asyncio
import datetime
import heapq
import itertools

_START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
# Turns of the event loop given to woken code before time goes on: enough for a chain of ten tasks that wake each other.
_TURNS = 20


class FakeClock:
    """A `talos.base.clock.Clock` whose time stands still between calls of `advance`."""

    def __init__(self, start: datetime.datetime = _START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime.datetime:
        """Return the wall clock time the test has set."""
        return self._start + datetime.timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Return how much time has been advanced, in seconds."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Return once that much time has been advanced."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many calls of `sleep` are waiting."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let time pass; sleepers wake in order, each at its own moment, and run until they sleep again."""
        until = self._elapsed_s + seconds
        await self._run()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._elapsed_s, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
                await self._run()
        self._elapsed_s = until
        await self._run()

    def set_wall(self, moment: datetime.datetime) -> None:
        """Step the wall clock, as a time server does; monotonic time is not touched."""
        self._start = moment - datetime.timedelta(seconds=self._elapsed_s)

    @staticmethod
    async def _run() -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
