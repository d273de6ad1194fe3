"""Values of META while machined runs: on the partition as soon as there is one, till then in memory.

A machine that runs from other media before it is installed may be given values; they are written when META appears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from talos.base import errors
from talos.boot import meta


class Meta:
    """The values, and who wants to know of changes. Changes are serialised and on the disk before they are told."""

    def __init__(self) -> None:
        self._partition: meta.Partition | None = None
        self._values: dict[int, bytes] = {}
        self._early: dict[int, bytes | None] = {}
        self._lock = asyncio.Lock()
        self.listeners: list[Callable[[], None]] = []
        self.closed = False

    @property
    def values(self) -> dict[int, bytes]:
        """What is known now, by tag."""
        return dict(self._values)

    @property
    def path(self) -> Path | None:
        """The partition, None while there is none."""
        return self._partition.path if self._partition is not None else None

    async def open(self, path: Path) -> None:
        """Use a partition from here on; what was set before is written to it. Raises OSError."""
        async with self._lock:
            partition = meta.Partition(path)
            if self._early:
                self._values = await asyncio.to_thread(partition.update, self._early)
            else:
                self._values = await asyncio.to_thread(partition.read)
            self._partition, self._early = partition, {}

    async def change(self, tag: int, value: bytes | None) -> None:
        """Set a value, or delete it (None). Raises Invalid, NotFound when there is none to delete, OSError."""
        async with self._lock:
            if self.closed:
                raise errors.NotReady("META is closed, the machine goes down")
            if value is None and tag not in self._values:
                raise errors.NotFound(f"META has no value {meta.resource_id(tag)}")
            changed = {**self._values, tag: value}
            # What does not fit is refused, whether there is a partition or not.
            meta.encode({one: data for one, data in changed.items() if data is not None})
            if self._partition is not None:
                self._values = await asyncio.to_thread(self._partition.update, {tag: value})
            else:
                self._early[tag] = value
                self._values = {one: data for one, data in changed.items() if data is not None}
        for listener in list(self.listeners):
            listener()
