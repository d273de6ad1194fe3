"""Fetching a configuration over HTTP before there is any: patient, bounded, and content with half a network.

A machine may boot faster than its switch forwards and its server starts, so failures are tried again for three hours;
one attempt may take three minutes. What comes is at most 1 MiB of text, gzip allowed. Redirects are followed. The
environment's `http_proxy`, `https_proxy` and `no_proxy` say which way requests take.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import ssl
import zlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import h11

from talos.base import errors
from talos.linux import procfs

ENVIRONMENT_ARGUMENT = "talos.environment"
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
        status, found, body = await request(url, headers)
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


def environment(proc: Path = procfs.PROC) -> dict[str, str]:
    """The process's environment over what kernel arguments say: `talos.environment=https_proxy=http://proxy:3128`."""
    words = [word.partition("=") for word in procfs.cmdline(proc).split()]
    given = [value.strip('"').partition("=") for name, _, value in words if name == ENVIRONMENT_ARGUMENT]
    return {name: value for name, equals, value in given if equals} | dict(os.environ)


def proxy_of(url: str, environment: Mapping[str, str]) -> str:
    """Return the URL of the proxy for a URL, empty for none. Raises Invalid for a proxy nobody can talk to."""
    named = {name.lower(): value for name, value in environment.items() if name.lower().endswith("_proxy") and value}
    parts = urlsplit(url)
    found = named.get(f"{parts.scheme}_proxy", "")
    if not found or not parts.hostname or parts.hostname == "localhost":
        return ""
    import urllib.request

    if urllib.request.proxy_bypass_environment(parts.netloc.rpartition("@")[2], {"no": named.get("no_proxy", "")}):  # type: ignore[attr-defined]
        return ""
    proxy = found if "//" in found else f"http://{found}"
    if urlsplit(proxy).scheme not in ("http", "https") or not urlsplit(proxy).hostname:
        raise errors.Invalid(f"the proxy of the environment, {found!r}, is no HTTP URL")
    return proxy


def _credentials(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


async def _connect(url: str, proxy: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the server of a URL, or to the proxy, through it when what is said is secret."""
    tls = ssl.create_default_context() if urlsplit(url).scheme == "https" else None
    if not proxy:
        return await asyncio.open_connection(urlsplit(url).hostname, _port(url), ssl=tls)
    to_proxy = ssl.create_default_context() if urlsplit(proxy).scheme == "https" else None
    reader, writer = await asyncio.open_connection(urlsplit(proxy).hostname, _port(proxy), ssl=to_proxy)
    if tls is None:
        return reader, writer
    try:
        host = urlsplit(url).hostname or ""
        shown = f"[{host}]:{_port(url)}" if ":" in host else f"{host}:{_port(url)}"
        wanted = {"Host": shown, **_credentials(proxy)}
        lines = [f"CONNECT {shown} HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].split(b" ", 2)
        if len(answer) < 2 or not answer[1].startswith(b"2"):
            raise ConnectionError(f"the proxy answers {b' '.join(answer[1:]).decode(errors='replace')}")
        await writer.start_tls(tls, server_hostname=host)
    except BaseException:
        writer.close()
        raise
    return reader, writer


async def request(
    url: str, headers: Mapping[str, str], *, body: bytes | None = None
) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request on a connection of its own, POST with a body: status, headers, what came.

    Raises OSError, h11.ProtocolError, EOFError, Invalid.
    """
    parts, proxy = urlsplit(url), proxy_of(url, environment())
    reader, writer = await _connect(url, proxy)
    try:
        connection = h11.Connection(h11.CLIENT)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        sent = {"Host": host, "User-Agent": "talos", "Accept": "*/*", "Connection": "close", **headers}
        if proxy and parts.scheme == "http":
            target = f"http://{host}{target}"
            sent |= _credentials(proxy)
        if body is not None:
            sent["Content-Length"] = str(len(body))
        asked = h11.Request(method="GET" if body is None else "POST", target=target, headers=list(sent.items()))
        events = [asked, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        writer.write(b"".join(connection.send(event) or b"" for event in events))
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
