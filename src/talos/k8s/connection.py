"""HTTP/1.1 to an API server: one connection, one request at a time, bodies streamed.

h11 keeps the protocol, asyncio the socket. The pool above it (`client`) opens as many as are used at once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import h11

from talos.base import errors
from talos.k8s import kubeconfig

_CHUNK = 64 * 1024
_HEADERS_MAX = 64 * 1024
CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where an API server is and how to prove who we are."""

    host: str
    port: int
    tls: ssl.SSLContext
    server_name: str
    token: str = ""
    prefix: str = ""

    @classmethod
    def from_kubeconfig(cls, text: str) -> Target:
        """Read the current context; certificates may be embedded or files. Raises Invalid."""
        entry = kubeconfig.current(text)
        url = urlsplit(str(entry.cluster.get("server", "")))
        if url.scheme != "https" or not url.hostname:
            raise errors.Invalid(f"kubeconfig: server {entry.cluster.get('server')!r} is not an https URL")
        tls = context(
            _material(entry.cluster, "certificate-authority"),
            _material(entry.user, "client-certificate"),
            _material(entry.user, "client-key"),
        )
        token = str(entry.user.get("token") or "")
        if not token and entry.user.get("tokenFile"):
            token = Path(str(entry.user["tokenFile"])).read_text().strip()
        name = str(entry.cluster.get("tls-server-name") or url.hostname)
        return cls(url.hostname, url.port or 443, tls, name, token, url.path.rstrip("/"))


def _material(entry: Mapping[str, object], name: str) -> bytes:
    data = entry.get(f"{name}-data")
    if data:
        return base64.b64decode(str(data))
    path = entry.get(name)
    return Path(str(path)).read_bytes() if path else b""


def context(ca: bytes, certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Return a client's context of PEM material; empty parts are left out."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # RFC 5280 strictness of newer Pythons refuses authorities without key identifiers, which users bring.
    made.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if ca:
        made.load_verify_locations(cadata=ca.decode())
    if certificate and key:
        # The ssl module reads key pairs from files only; an anonymous one never touches a file system.
        handle = os.memfd_create("client-pair", os.MFD_CLOEXEC)
        try:
            os.write(handle, certificate.rstrip() + b"\n" + key)
            made.load_cert_chain(f"/proc/self/fd/{handle}")
        finally:
            os.close(handle)
    return made


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `target` is path and query."""

    method: str
    target: str
    body: bytes = b""
    content_type: str = "application/json"
    accept: str = "application/json"


class Connection:
    """A TLS connection that can carry requests one after another."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._target = target
        self._reader, self._writer = reader, writer
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEADERS_MAX)

    @classmethod
    async def open(cls, target: Target) -> Connection:
        """Connect. Raises OSError (ssl.SSLError included) and TimeoutError."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                target.host, target.port, ssl=target.tls, server_hostname=target.server_name, limit=_CHUNK
            )
        return cls(target, reader, writer)

    async def send(self, request: Request) -> int:
        """Send a request and return the status of its response; read the body next. Raises OSError."""
        authority = self._target.host if ":" not in self._target.host else f"[{self._target.host}]"
        headers = [
            ("Host", f"{authority}:{self._target.port}"),
            ("Accept", request.accept),
            ("User-Agent", "talos"),
            ("Content-Length", str(len(request.body))),
        ]
        if request.body:
            headers.append(("Content-Type", request.content_type))
        if self._target.token:
            headers.append(("Authorization", f"Bearer {self._target.token}"))
        head = h11.Request(method=request.method, target=self._target.prefix + request.target, headers=headers)
        parts = [self._state.send(head)]
        if request.body:
            parts.append(self._state.send(h11.Data(data=request.body)))
        parts.append(self._state.send(h11.EndOfMessage()))
        self._writer.write(b"".join(part for part in parts if part))
        await self._writer.drain()
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event.status_code
            if not isinstance(event, h11.InformationalResponse):
                raise ConnectionError(f"unexpected {type(event).__name__} instead of a response")

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the response's body as it arrives."""
        while True:
            event = await self._next()
            if isinstance(event, h11.EndOfMessage):
                return
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.ConnectionClosed):
                return

    async def _next(self) -> h11.Event:
        try:
            while True:
                event = self._state.next_event()
                if event is not h11.NEED_DATA:
                    if event is h11.PAUSED:
                        raise ConnectionError("the connection is paused in the middle of a response")
                    return event  # type: ignore[return-value]
                data = await self._reader.read(_CHUNK)
                if not data and self._state.their_state is h11.SEND_RESPONSE:
                    raise ConnectionResetError("the server closed the connection")
                self._state.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise ConnectionError(f"broken HTTP from the server: {error}") from error

    def reuse(self) -> bool:
        """Make ready for the next request; False when the connection has had its day."""
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
            return not self._writer.is_closing() and not self._reader.at_eof()
        return False

    def close(self) -> None:
        """Close without waiting for the peer."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.close()
