"""Changes of files in a directory, from inotify(7)."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path

_CLOSE_WRITE = 0x00000008
_MOVED_TO = 0x00000080
_MOVED_FROM = 0x00000040
_CREATE = 0x00000100
_DELETE = 0x00000200
_DELETE_SELF = 0x00000400
_Q_OVERFLOW = 0x00004000
_IGNORED = 0x00008000
_ONLYDIR = 0x01000000
_CLOEXEC = 0o2000000
_NONBLOCK = 0o4000
_EVENT = struct.Struct("iIII")
_BUFFER = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


async def changes(directory: Path) -> AsyncIterator[frozenset[str]]:
    """Yield an empty set once the watch stands, then the names that were written, renamed, created or removed.

    Ends when the directory is removed. An empty set later means that events were lost: look at everything.
    Raises OSError, FileNotFoundError when there is no such directory.
    """
    handle = _check(_libc.inotify_init1(_CLOEXEC | _NONBLOCK), "inotify")
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    try:
        mask = _CLOSE_WRITE | _MOVED_TO | _MOVED_FROM | _CREATE | _DELETE | _DELETE_SELF | _ONLYDIR
        _check(_libc.inotify_add_watch(handle, os.fsencode(directory), mask), str(directory))
        loop.add_reader(handle, readable.set)
        yield frozenset()
        while True:
            await readable.wait()
            readable.clear()
            names, ended = _read(handle)
            if names is not None:
                yield names
            if ended:
                return
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _read(handle: int) -> tuple[frozenset[str] | None, bool]:
    """Return the names of all pending events (empty: overflow; None: nothing of interest) and whether it is over."""
    names: set[str] = set()
    lost = ended = False
    while True:
        try:
            data = os.read(handle, _BUFFER)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                break
            raise
        offset = 0
        while offset < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size
            name = data[offset : offset + length].rstrip(b"\0")
            offset += length
            lost = lost or bool(mask & _Q_OVERFLOW)
            ended = ended or bool(mask & (_DELETE_SELF | _IGNORED))
            if name:
                names.add(os.fsdecode(name))
    if lost:
        return frozenset(), ended
    return (frozenset(names) if names else None), ended
