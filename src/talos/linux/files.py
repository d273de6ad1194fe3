"""Files of a node that others read while they are written: atomic replacement, exact mode and owner."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path


def write(path: Path, data: bytes, *, mode: int, uid: int = 0, gid: int = 0) -> bool:
    """Make the file have this content, mode and owner; return whether the content changed.

    A reader sees the old or the new content, never a part. Raises OSError.
    """
    try:
        found = path.read_bytes()
        state = path.stat()
        if found == data and (state.st_mode & 0o7777, state.st_uid, state.st_gid) == (mode, uid, gid):
            return False
        changed = found != data
    except FileNotFoundError:
        changed = True
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
        scratch.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise
    return changed


def directory(path: Path, *, mode: int, uid: int = 0, gid: int = 0) -> None:
    """Make the directory exist with this mode and owner; parents are made for everybody to pass. Raises OSError."""
    path.mkdir(parents=True, exist_ok=True)
    state = path.stat()
    if (state.st_uid, state.st_gid) != (uid, gid):
        os.chown(path, uid, gid)
    if state.st_mode & 0o7777 != mode:
        path.chmod(mode)


def keep_only(path: Path, names: Iterable[str]) -> None:
    """Remove the files of a directory that are not named. A missing directory is no error. Raises OSError."""
    wanted = set(names)
    with contextlib.suppress(FileNotFoundError):
        for entry in list(os.scandir(path)):
            if entry.name not in wanted and entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a directory and what is below. A missing one is no error. Raises OSError."""
    import shutil

    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
