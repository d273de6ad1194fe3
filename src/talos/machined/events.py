"""Machine events: a ring of the last thousand, with ids that sort by time, and any number of followers.

Payloads are messages of protos/api/machine; on the wire they are packed with the type URL prefix of the original. Ids
are xids (github.com/rs/xid): 4 bytes of time, 3 of the machine, 2 of the process, 3 of a counter, in base32hex.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from google.protobuf.message import Message

from talos.base import errors

RING_EVENTS = 1000
TYPE_PREFIX = "talos/runtime/"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `at`: UNIX seconds."""

    payload: Message
    actor_id: str
    id: str
    at: float

    @property
    def type_url(self) -> str:
        """Type of the payload as the wire names it."""
        return TYPE_PREFIX + self.payload.DESCRIPTOR.full_name


@dataclass(frozen=True, slots=True)
class Start:
    """Where a follower begins: so many events back (negative: all), after an id, or so many seconds back."""

    tail_events: int = 0
    tail_id: str = ""
    tail_seconds: int = 0


@dataclass(eq=False)
class _Follower:
    position: int
    waiting: asyncio.Future[None] | None = field(default=None)


class EventBus:
    """All events of this machined."""

    def __init__(self, capacity: int = RING_EVENTS) -> None:
        self._ring: collections.deque[Event] = collections.deque(maxlen=capacity)
        self._end = 0
        self._followers: set[_Follower] = set()
        self._machine = os.urandom(3)
        self._counter = itertools.count(int.from_bytes(os.urandom(3), "big"))

    def _new_id(self, now: float) -> str:
        number = next(self._counter) & 0xFFFFFF
        raw = (
            int(now).to_bytes(4, "big")
            + self._machine
            + (os.getpid() & 0xFFFF).to_bytes(2, "big")
            + number.to_bytes(3, "big")
        )
        return base64.b32hexencode(raw).decode().rstrip("=").lower()

    def publish(self, payload: Message, actor_id: str = "") -> None:
        """Append an event and wake followers."""
        now = time.time()
        self._ring.append(Event(payload, actor_id, self._new_id(now), now))
        self._end += 1
        for follower in self._followers:
            if follower.waiting is not None and not follower.waiting.done():
                follower.waiting.set_result(None)

    def _first(self, start: Start) -> int:
        """Position of the first event for a follower."""
        oldest = self._end - len(self._ring)
        if start.tail_id:
            for offset, event in enumerate(self._ring):
                if event.id == start.tail_id:
                    return oldest + offset + 1
            raise errors.NotFound(f"event {start.tail_id!r} is not kept any more")
        if start.tail_seconds:
            since = time.time() - start.tail_seconds
            return oldest + sum(event.at < since for event in self._ring)
        if start.tail_events < 0:
            return oldest
        return max(oldest, self._end - start.tail_events)

    async def follow(self, start: Start = Start(), actor_id: str = "") -> AsyncIterator[Event]:
        """Yield events for ever, only those of `actor_id` if given.

        Raises NotFound for an unknown `tail_id`, and Temporary when the follower is so slow that events it has not
        seen were overwritten.
        """
        follower = _Follower(self._first(start))
        self._followers.add(follower)
        try:
            while True:
                oldest = self._end - len(self._ring)
                if follower.position < oldest:
                    raise errors.Temporary(f"{oldest - follower.position} events were lost: the reader is too slow")
                while follower.position < self._end:
                    event = self._ring[follower.position - (self._end - len(self._ring))]
                    follower.position += 1
                    if not actor_id or event.actor_id == actor_id:
                        yield event
                    if follower.position < self._end - len(self._ring):
                        break
                else:
                    await self._next(follower)
        finally:
            self._followers.discard(follower)

    async def _next(self, follower: _Follower) -> None:
        follower.waiting = asyncio.get_running_loop().create_future()
        with contextlib.suppress(asyncio.InvalidStateError):
            await follower.waiting
        follower.waiting = None
