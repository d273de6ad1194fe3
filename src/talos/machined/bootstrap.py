"""The wish of a client that this node's etcd begins a new cluster.

`talosctl bootstrap` leaves it here; the etcd service, which otherwise looks for members to join, waits for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """`recover`: begin from the snapshot uploaded before; `skip_hash_check`: it is a copy of a data directory."""

    recover: bool = False
    skip_hash_check: bool = False


class EtcdBootstrap:
    """One place for at most one request."""

    def __init__(self) -> None:
        self._request: Request | None = None
        self._arrived = asyncio.Event()

    def ask(self, request: Request) -> None:
        """Leave a request; a later one replaces it."""
        self._request = request
        self._arrived.set()

    @property
    def pending(self) -> Request | None:
        """The request, if there is one."""
        return self._request

    async def wait(self) -> Request:
        """Return the request as soon as there is one; it stays until `done`."""
        await self._arrived.wait()
        assert self._request is not None
        return self._request

    def done(self) -> None:
        """Forget the request: the cluster has begun, or the request is answered by an error."""
        self._request = None
        self._arrived.clear()
