"""Services that are a part of machined: an async function that runs until it is cancelled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from talos.supervisor.runner import Exit, Instance, Runner


class Inside(Runner):
    """Run `main` as a task; its return is a good end, an exception a bad one."""

    kind = "inside"

    def __init__(self, main: Callable[[], Awaitable[None]]) -> None:
        self._main = main

    async def start(self, service: str, stdio: Path) -> Instance:
        """Start the task."""
        return InsideInstance(service, asyncio.ensure_future(self._main()))


class InsideInstance(Instance):
    """The running task."""

    def __init__(self, service: str, task: asyncio.Future[None]) -> None:
        self._service, self._task = service, task
        self.error: BaseException | None = None

    @property
    def description(self) -> str:
        """Name of the service."""
        return f"{self._service} inside machined"

    async def wait(self) -> Exit:
        """Return when the task has ended."""
        await asyncio.wait([self._task])
        if self._task.cancelled():
            return Exit(0)
        self.error = self._task.exception()
        return Exit(0 if self.error is None else 1)

    async def stop(self, grace_s: float) -> Exit:
        """Cancel the task and wait for its end, at most `grace_s`."""
        self._task.cancel()
        await asyncio.wait([self._task], timeout=max(grace_s, 0.1))
        return await self.wait() if self._task.done() else Exit(1)

    def pids(self) -> frozenset[int]:
        """machined's own pid."""
        return frozenset({os.getpid()})
