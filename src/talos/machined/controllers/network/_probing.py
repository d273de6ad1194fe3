"""One look at an endpoint: a TCP connection that comes about, or an answer to an HTTP request.

The request is written by hand: HTTP/1.1 over a stream, of the answer only the status line is read. Certificates are
verified. Redirections are not followed: an answer below 400 is success whatever it says.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from urllib.parse import urlsplit

from talos.base import errors
from talos.machinery.resources.network.probe_spec import ProbeSpec

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LINE_BYTES = 4096
_FIRST_ERROR = 400


def split_endpoint(text: str) -> tuple[str, int]:
    """`host:port` or `[address]:port` in parts. Raises Invalid."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise errors.Invalid(f"expected host:port, got {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def tcp(endpoint: str) -> None:
    """Connect and hang up. Raises OSError, Invalid."""
    host, port = split_endpoint(endpoint)
    _, writer = await asyncio.open_connection(host, port)
    await _close(writer)


async def http(url: str) -> None:
    """Ask for a URL. Raises OSError, Invalid for what is no HTTP, Temporary for a status of 400 and above."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection(host, port, ssl=secure or None, limit=_LINE_BYTES)
    try:
        writer.write(request.encode("latin-1", "replace"))
        await writer.drain()
        line = await reader.readline()
    except ValueError as error:
        raise errors.Invalid(f"{url}: the answer is not HTTP") from error
    finally:
        await _close(writer)
    status = _STATUS_LINE.match(line)
    if status is None:
        raise errors.Invalid(f"{url}: the answer is not HTTP")
    if int(status.group(1)) >= _FIRST_ERROR:
        raise errors.Temporary(f"{url}: status {status.group(1).decode()}")


async def once(spec: ProbeSpec.Spec) -> str:
    """Probe once; returns what went wrong, empty for success."""
    one = spec.http if spec.http.url else spec.tcp
    try:
        async with asyncio.timeout(one.timeout.total_seconds() or None):
            await (http(spec.http.url) if spec.http.url else tcp(spec.tcp.endpoint))
    except TimeoutError:
        return f"no answer within {one.timeout.total_seconds():g} s"
    except (OSError, errors.TalosError) as error:
        return _words(error)
    return ""


def _words(error: Exception) -> str:
    """The system's words for a refused connection; asyncio's are about its own call."""
    number = getattr(error, "errno", None)
    if isinstance(error, ConnectionError) and number:
        return os.strerror(number).lower()
    return str(error) or type(error).__name__
