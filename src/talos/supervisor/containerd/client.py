"""The connection to containerd: one HTTP/2 channel on its unix socket, opened at first use and again after it broke.

Messages are generated from protos/containerd, which names the used part of the original API. The containerd namespace
goes with each call as metadata, as does the lease that keeps new content from garbage collection.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TypeVar, cast

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from talos.base.constants import paths
from talos.machinery.rpc import channel, method, status

M = TypeVar("M", bound=Message)
SNAPSHOTTER = "overlayfs"
DEFAULT_TIMEOUT_S = 30.0
ENDLESS_S = 99_999_999.0  # the longest that fits the eight digits of grpc-timeout


@functools.cache
def methods(service: ServiceDescriptor) -> Mapping[str, method.Method]:
    """Return the methods of a generated service, by name."""
    return method.of_service(service)


class Client:
    """Calls containerd. All methods raise status.RpcError; without a containerd its code is UNAVAILABLE."""

    def __init__(self, path: Path = paths.CONTAINERD_SOCKET) -> None:
        self._path = path
        self._channel: channel.Channel | None = None

    def _open(self) -> channel.Channel:
        if self._channel is None:
            self._channel = channel.Channel.unix(self._path)
        return self._channel

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    async def call(
        self,
        service: ServiceDescriptor,
        name: str,
        request: Message,
        response: type[M],
        *,
        namespace: str = "",
        lease: str = "",
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> M:
        """Make one call with one answer."""
        described = methods(service)[name]
        assert described.response.DESCRIPTOR is response.DESCRIPTOR, f"{name} does not answer {response.__name__}"
        answer = await self._open().unary(described, request, metadata=_metadata(namespace, lease), timeout_s=timeout_s)
        return cast("M", answer)

    async def stream(
        self, service: ServiceDescriptor, name: str, request: Message, response: type[M], *, namespace: str = ""
    ) -> AsyncIterator[M]:
        """Make one call with many answers."""
        described = methods(service)[name]
        assert described.response.DESCRIPTOR is response.DESCRIPTOR, f"{name} does not answer {response.__name__}"
        async for answer in self._open().stream(described, request, metadata=_metadata(namespace, "")):
            yield answer

    async def exchange(
        self,
        service: ServiceDescriptor,
        name: str,
        request: Message,
        *,
        namespace: str = "",
        lease: str = "",
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> bytes | None:
        """Send one request on a call that streams both ways and return the first answer undecoded."""
        described = methods(service)[name]
        metadata = _metadata(namespace, lease)
        async with self._open().raw(described.path, metadata=metadata, timeout_s=timeout_s) as call:
            await call.send(request.SerializeToString(), end=True)
            return await call.receive()


def _metadata(namespace: str, lease: str) -> dict[str, str]:
    metadata = {}
    if namespace:
        metadata["containerd-namespace"] = namespace
    if lease:
        metadata["containerd-lease"] = lease
    return metadata


def is_missing(error: Exception) -> bool:
    """Tell whether the answer says that the object does not exist."""
    return isinstance(error, status.RpcError) and error.code is status.Code.NOT_FOUND


def is_present(error: Exception) -> bool:
    """Tell whether the answer says that the object exists already."""
    return isinstance(error, status.RpcError) and error.code is status.Code.ALREADY_EXISTS


def is_away(error: Exception) -> bool:
    """Tell whether nothing answers."""
    return isinstance(error, status.RpcError) and error.code is status.Code.UNAVAILABLE


@contextlib.contextmanager
def ignore_missing() -> Iterator[None]:
    """Let NOT_FOUND pass: what was to be removed is gone."""
    try:
        yield
    except status.RpcError as error:
        if not is_missing(error):
            raise


@contextlib.contextmanager
def ignore_present() -> Iterator[None]:
    """Let ALREADY_EXISTS pass: what was to be made is there."""
    try:
        yield
    except status.RpcError as error:
        if not is_present(error):
            raise
