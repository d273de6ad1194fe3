"""Reading nodes' console logs, across the rotation the launcher does."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from talos.provision.providers.namespaces import launch

_POLL_S = 0.2
_CHUNK_BYTES = 1 << 20


async def read(folder: Path, *, follow: bool = False) -> AsyncIterator[list[str]]:
    """The lines of a node's console, oldest first; with `follow` for ever, whatever happens to the node."""
    file = folder / launch.CONSOLE_FILE
    with contextlib.suppress(FileNotFoundError):
        yield file.with_name(f"{file.name}.1").read_text(errors="replace").splitlines()
    rest, fd = b"", -1
    try:
        while True:
            if fd < 0:
                with contextlib.suppress(FileNotFoundError):
                    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            while fd >= 0 and (chunk := os.read(fd, _CHUNK_BYTES)):
                *lines, rest = (rest + chunk).split(b"\n")
                if lines:
                    yield [line.decode(errors="replace").rstrip("\r") for line in lines]
            if not follow:
                break
            if fd >= 0 and _replaced(file, fd):
                os.close(fd)
                fd = -1
                continue
            await asyncio.sleep(_POLL_S)
        if rest:
            yield [rest.decode(errors="replace")]
    finally:
        if fd >= 0:
            os.close(fd)


def _replaced(file: Path, fd: int) -> bool:
    try:
        return file.stat().st_ino != os.fstat(fd).st_ino
    except FileNotFoundError:
        return False
