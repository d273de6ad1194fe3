"""Described waits: what a service needs before it can start.

The description of what is still missing is shown in the service's event while it waits.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from talos.cosi import resource, state

R = TypeVar("R", bound="resource.Resource[Any]")
_DAY_S = 86400.0


class Condition(ABC):
    """Something to wait for."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What is awaited, e.g. `time to be in sync`."""

    @abstractmethod
    async def wait(self) -> None:
        """Return as soon as the condition holds; cancelled when the service is stopped."""


class FileExists(Condition):
    """A path exists. Polled: the paths live on file systems where inotify is of no use before they are mounted."""

    def __init__(self, path: Path, interval_s: float = 0.05) -> None:
        self._path = path
        self._interval_s = interval_s

    @property
    def description(self) -> str:
        """The path."""
        return f"file {self._path} to exist"

    async def wait(self) -> None:
        """Poll with growing pauses of at most ten times the interval."""
        pause = self._interval_s
        while not self._path.exists():
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, self._interval_s * 10)


class Ready(Condition, Generic[R]):
    """A resource exists in the state and a predicate holds for it."""

    def __init__(
        self,
        store: state.State,
        cls: type[R],
        id: str,
        predicate: Callable[[R], bool] = lambda _: True,
        *,
        namespace: str | None = None,
        text: str = "",
    ) -> None:
        self._store, self._cls, self._id, self._namespace = store, cls, id, namespace
        self._predicate = predicate
        self._text = text or f"resource {cls.definition.type} {id} to be ready"

    @property
    def description(self) -> str:
        """The text given, or the resource's type and id."""
        return self._text

    async def wait(self) -> None:
        """Watch the resource until the predicate holds and it is not being torn down."""

        def holds(found: R | None) -> bool:
            return found is not None and found.metadata.phase is resource.Phase.RUNNING and self._predicate(found)

        await state.wait_for(self._store, self._cls, self._id, holds, namespace=self._namespace, timeout_s=_DAY_S)


class Call(Condition):
    """Any async function that returns when the wait is over."""

    def __init__(self, description: str, wait: Callable[[], Awaitable[None]]) -> None:
        self._description = description
        self._wait = wait

    @property
    def description(self) -> str:
        """The text given."""
        return self._description

    async def wait(self) -> None:
        """Call the function."""
        await self._wait()


async def wait_all(conditions: Sequence[Condition], on_missing: Callable[[Sequence[str]], None]) -> None:
    """Wait for every condition; `on_missing` hears at the start and after each change which ones do not hold yet."""
    if not conditions:
        return
    waits = {asyncio.ensure_future(condition.wait()): condition for condition in conditions}
    pending = set(waits)
    try:
        # Conditions that hold already should never flash up as missing.
        done, pending = await asyncio.wait(pending, timeout=0.01)
        while True:
            for task in done:
                task.result()
            if not pending:
                return
            on_missing([condition.description for task, condition in waits.items() if task in pending])
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pending:
            task.cancel()
