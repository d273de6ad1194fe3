"""What the kernel announces of devices: uevents over netlink (kernel documentation, kobject; lib/kobject_uevent.c)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_NETLINK_KOBJECT_UEVENT = 15
_KERNEL_GROUP = 1
_RECEIVE_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """One announcement; `action` is add, change, remove, bind, …, or `lost` when some were dropped."""

    action: str
    path: str
    facts: Mapping[str, str]

    @property
    def subsystem(self) -> str:
        """E.g. `block`."""
        return self.facts.get("SUBSYSTEM", "")


LOST = Event("lost", "", {})


def parse(message: bytes) -> Event | None:
    """Read one message, None for what is not the kernel's form."""
    head, _, rest = message.partition(b"\0")
    action, at, path = head.partition(b"@")
    if not at or not path.startswith(b"/"):
        return None
    fields = (field.decode(errors="replace").partition("=") for field in rest.split(b"\0") if b"=" in field)
    return Event(action.decode(errors="replace"), os.fsdecode(path), {name: value for name, _, value in fields})


class Monitor:
    """A subscription, made before anything is looked at: `with Monitor() as m: async for events in m: …`."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, _NETLINK_KOBJECT_UEVENT
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.bind((0, _KERNEL_GROUP))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()

    def pending(self) -> list[Event]:
        """What has been announced, without waiting."""
        found: list[Event] = []
        while True:
            try:
                message, sender = self._socket.recvfrom(_RECEIVE_BYTES)
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                found.append(LOST)
                continue
            # Only the kernel's own word counts; anybody may send to a group.
            if sender[0] == 0 and (event := parse(message)) is not None:
                found.append(event)

    async def __aiter__(self) -> AsyncIterator[list[Event]]:
        loop = asyncio.get_running_loop()
        while True:
            if found := self.pending():
                yield found
                continue
            readable: asyncio.Future[None] = loop.create_future()
            loop.add_reader(self._socket, _resolve, readable)
            try:
                await readable
            finally:
                loop.remove_reader(self._socket)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
