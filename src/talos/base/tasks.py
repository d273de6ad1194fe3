"""Every asyncio task has an owner.

A bare `create_task` may be collected while it runs and hides its exception. `Owner` keeps its tasks, logs a crash with
the task's name when it happens, and cancels what is left when it is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Owner:
    """Owns background tasks of one component.

    Use as an async context manager, or call `close` from the component's own close.
    """

    def __init__(self, name: str, logger: logging.Logger | None = None) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._log = logger or logging.getLogger("tasks")
        self._closed = False

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start `coroutine` as a task named `<owner>/<name>`. Raises RuntimeError after close."""
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"{self._name} is closed, cannot start {name}")
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self._name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("task %s crashed", task.get_name(), exc_info=error)

    @property
    def count(self) -> int:
        """How many tasks run now."""
        return len(self._tasks)

    async def close(self, timeout_s: float = 5.0) -> None:
        """Cancel every task and wait for the ends, at most `timeout_s`. May be called twice."""
        self._closed = True
        current = asyncio.current_task()
        pending = [task for task in self._tasks if task is not current]
        for task in pending:
            task.cancel()
        if pending:
            _, late = await asyncio.wait(pending, timeout=timeout_s)
            for task in late:
                self._log.error("task %s did not end within %.1f s of its cancellation", task.get_name(), timeout_s)

    async def __aenter__(self) -> Owner:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
