"""Changes of links, addresses, routes and neighbours as the kernel announces them.

Nothing is polled: the event loop wakes when the socket is readable. When the kernel drops announcements because the
reader was slow, `Overrun` is delivered, and the reader lists everything anew.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from talos.linux.netlink import address, codec, connection, link, neighbour, route

_RECEIVE_BYTES = 1 << 16
_SOCKET_BUFFER_BYTES = 1 << 20
_SO_RCVBUFFORCE = 33

Changed = link.Link | address.Address | route.Route | route.Rule | neighbour.Neighbour

LINKS: tuple[int, ...] = (link.GROUP,)
ADDRESSES: tuple[int, ...] = address.GROUPS
ROUTES: tuple[int, ...] = route.GROUPS
RULES: tuple[int, ...] = route.RULE_GROUPS
NEIGHBOURS: tuple[int, ...] = (neighbour.GROUP,)


@dataclass(frozen=True, slots=True)
class Event:
    """Something was added or changed (`gone` False) or removed."""

    value: Changed
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Overrun:
    """Announcements were lost."""


_PARSERS: dict[int, tuple[Callable[[bytes], Changed], bool]] = {
    link.NEW: (link.parse, False),
    link.DEL: (link.parse, True),
    address.NEW: (address.parse, False),
    address.DEL: (address.parse, True),
    route.NEW: (route.parse, False),
    route.DEL: (route.parse, True),
    route.RULE_NEW: (route.parse_rule, False),
    route.RULE_DEL: (route.parse_rule, True),
    neighbour.NEW: (neighbour.parse, False),
    neighbour.DEL: (neighbour.parse, True),
}


def parse(data: bytes) -> list[Event]:
    """Events of one datagram; message types that are not known are left out."""
    events = []
    for message in codec.messages(data):
        parser = _PARSERS.get(message.type)
        if parser is None or (
            message.type in (link.NEW, link.DEL) and link.family_of(message.body) != socket.AF_UNSPEC
        ):
            continue
        events.append(Event(parser[0](message.body), parser[1]))
    return events


class Monitor:
    """A subscription: `with Monitor(LINKS + ADDRESSES) as m: async for events in m: …`.

    Subscribed when made, so that what is listed afterwards misses nothing. Each turn yields all that is there.
    """

    def __init__(self, groups: Iterable[int], namespace: connection.Namespace | None = None) -> None:
        self._socket = connection.open_socket(namespace)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _SOCKET_BUFFER_BYTES)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER_BYTES)
        self._socket.setblocking(False)
        for group in groups:
            connection.join(self._socket, group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()

    def pending(self) -> list[Event | Overrun]:
        """What has been announced, without waiting."""
        found: list[Event | Overrun] = []
        while True:
            try:
                data = self._socket.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                return found
            except OSError as err:
                if err.errno != errno.ENOBUFS:
                    raise
                found.append(Overrun())
            else:
                found.extend(parse(data))

    async def wait(self) -> list[Event | Overrun]:
        """Wait for announcements (without limit: the caller owns the task) and return all that are there."""
        loop = asyncio.get_running_loop()
        while True:
            if found := self.pending():
                return found
            readable: asyncio.Future[None] = loop.create_future()
            loop.add_reader(self._socket, _resolve, readable)
            try:
                await readable
            finally:
                loop.remove_reader(self._socket)

    async def __aiter__(self) -> AsyncIterator[list[Event | Overrun]]:
        while True:
            yield await self.wait()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
