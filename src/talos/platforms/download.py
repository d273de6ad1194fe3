"""Fetching a configuration over HTTP before there is any: patient, bounded, and content with half a network.

A machine may boot faster than its switch forwards and its server starts, so failures are tried again for three hours;
one attempt may take three minutes. What comes is at most 1 MiB of text, gzip allowed. Redirects are followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import zlib
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import h11

from talos.base import errors

TOTAL_S = 3 * 3600.0
ATTEMPT_S = 180.0
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_REDIRECTS = 10
_LIMIT_BYTES = 1 << 20
_READ_BYTES = 65536


async def download(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    none_when_missing: bool = False,
    total_s: float = TOTAL_S,
    attempt_s: float = ATTEMPT_S,
    pause_s: float = _PAUSE_S,
) -> bytes | None:
    """Return what is at `url`, None when it is empty, or not there and `none_when_missing`.

    Raises Temporary with the last failure after `total_s`, Invalid for a URL nobody can fetch or for too large a body.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise errors.Invalid(f"{url!r} is no HTTP URL")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + total_s
    while True:
        try:
            async with asyncio.timeout(min(attempt_s, max(deadline - loop.time(), 0.01))):
                status, body = await _follow(url, headers or {})
            if status == 200:
                text = plain(body)
                return text if text.strip() else None
            if status in (404, 204) and none_when_missing:
                return None
            reason = f"the server answers {status}"
        except (OSError, TimeoutError, h11.ProtocolError, ssl.SSLError, EOFError) as error:
            reason = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
        if loop.time() + pause_s >= deadline:
            raise errors.Temporary(f"{url}: {reason}")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def plain(body: bytes) -> bytes:
    """Return a body unpacked if it is gzip. Raises Invalid for a broken or a too large one."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(body, _LIMIT_BYTES)
    except zlib.error as error:
        raise errors.Invalid(f"what was downloaded is broken gzip: {error}") from error
    if not unpacker.eof:
        raise errors.Invalid(f"what was downloaded is cut off, or larger than {_LIMIT_BYTES} bytes")
    return text


async def _follow(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    for _ in range(_REDIRECTS):
        status, found, body = await _get(url, headers)
        location = found.get(b"location")
        if status not in (301, 302, 303, 307, 308) or location is None:
            return status, body
        target = urljoin(url, location.decode("latin-1"))
        if urlsplit(target).scheme not in ("http", "https"):
            raise errors.Invalid(f"{url} leads to {target}, which is no HTTP URL")
        if urlsplit(target).netloc != urlsplit(url).netloc:
            # What proves who we are to one server is none of another's business.
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        url = target
    raise errors.Invalid(f"{url}: more than {_REDIRECTS} redirects")


async def _get(url: str, headers: Mapping[str, str]) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    try:
        connection = h11.Connection(h11.CLIENT)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "talos", "Accept": "*/*", "Connection": "close"}
        request = h11.Request(method="GET", target=target, headers=list((sent | dict(headers)).items()))
        writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        return await _response(url, connection, reader)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _response(
    url: str, connection: h11.Connection, reader: asyncio.StreamReader
) -> tuple[int, dict[bytes, bytes], bytes]:
    status, found, body = 0, dict[bytes, bytes](), bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            status, found = event.status_code, dict(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _LIMIT_BYTES:
                raise errors.Invalid(f"{url} is larger than {_LIMIT_BYTES} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return status, found, bytes(body)
        else:
            raise EOFError("the connection was closed early")
