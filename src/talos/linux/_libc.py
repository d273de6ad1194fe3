"""The C library, loaded once. Only this room calls it."""

from __future__ import annotations

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, path: str = "", path2: str = "") -> int:
    """Return `result`, or raise OSError from errno (with the paths it is about) when it is -1."""
    if result == -1:
        number = ctypes.get_errno()
        if path2:
            raise OSError(number, os.strerror(number), path, None, path2)
        raise OSError(number, os.strerror(number), path or None)
    return result
