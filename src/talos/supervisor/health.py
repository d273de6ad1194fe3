"""Health checks of services.

A check is an async function that returns when all is well and raises otherwise; the text of the exception is what
`talosctl service` shows. Until the first result the health is unknown.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from talos.base import errors


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What to check and how often; all times in seconds."""

    check: Callable[[], Awaitable[None]]
    interval_s: float = 5.0
    timeout_s: float = 5.0
    initial_delay_s: float = 0.2


@dataclass(frozen=True, slots=True)
class Health:
    """Latest knowledge about a service's health. `healthy` is None as long as nothing is known."""

    healthy: bool | None = None
    message: str = ""
    changed: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))


async def probe(check: HealthCheck) -> Health:
    """Run the check once; every failure becomes an unhealthy result, cancellation passes."""
    try:
        async with asyncio.timeout(check.timeout_s):
            await check.check()
    except TimeoutError as error:
        return Health(False, str(error) or f"no answer within {check.timeout_s:g} s")
    except (errors.TalosError, OSError, EOFError, ValueError, RuntimeError, LookupError) as error:
        return Health(False, str(error) or type(error).__name__)
    return Health(True, "")


async def tcp_open(host: str, port: int) -> None:
    """Check that something accepts connections. Raises OSError otherwise."""
    _, writer = await asyncio.open_connection(host, port)
    writer.close()


async def unix_open(path: str) -> None:
    """Check that something accepts connections on a unix socket. Raises OSError otherwise."""
    _, writer = await asyncio.open_unix_connection(path)
    writer.close()


async def http_ok(host: str, port: int, path: str = "/healthz") -> None:
    """Check that a plain HTTP server answers 200. Raises OSError or errors.Temporary otherwise."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        status = await reader.readline()
        if status.split(b" ")[1:2] != [b"200"]:
            raise errors.Temporary(f"http://{host}:{port}{path} answered {status.decode(errors='replace').strip()!r}")
    finally:
        writer.close()
