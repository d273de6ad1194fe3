"""Kernel parameters of this machine while clusters run: whatever they were is noted once and given back once.

Every kubelet sets some for the whole kernel, whosever cluster it belongs to and wherever that cluster's state is kept,
so the note is the machine's: a file on the tmpfs of /run, gone with a reboot like the values. It names the clusters
that run; the one that ends last gives the values back.

    /run/talos/clusters.json    {"values": {parameter: value before}, "users": {cluster id: its state file}}
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.linux import sysctl
from talos.provision.providers.namespaces import launch

FOLDER = Path("/run/talos")
_FILE = "clusters.json"
_LOCK_TIMEOUT_S = 20.0


@dataclass(slots=True)
class _Note:
    values: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)


def acquire(id: str, state_file: Path, names: Iterable[str], *, root: Path, folder: Path = FOLDER) -> None:
    """Note that the cluster `id` runs, and first the values of the parameters if nobody else does."""
    with _locked(folder):
        note = _read(folder)
        if not note.users:
            note.values = _present(names, root)
        note.users[id] = str(state_file)
        launch.write_json(folder / _FILE, {"values": note.values, "users": note.users})


def release(id: str, *, root: Path, folder: Path = FOLDER) -> None:
    """Note that it does not any more; after the last one, give the values back and remove the note."""
    if not folder.is_dir():
        return
    with _locked(folder):
        note = _read(folder)
        if id in note.users:
            del note.users[id]
        if note.users:
            launch.write_json(folder / _FILE, {"values": note.values, "users": note.users})
            return
        for name, value in note.values.items():
            with contextlib.suppress(OSError):
                if sysctl.read(name, root) != value:
                    sysctl.write(name, value, root)
        (folder / _FILE).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


def _read(folder: Path) -> _Note:
    """The note without clusters whose state file is gone: somebody removed those by hand."""
    try:
        content: Any = json.loads((folder / _FILE).read_text())
        users = {id: file for id, file in content["users"].items() if Path(file).exists()}
        return _Note(dict(content["values"]), users)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Note()


def _present(names: Iterable[str], root: Path) -> dict[str, str]:
    found = {}
    for name in names:
        with contextlib.suppress(OSError):
            found[name] = sysctl.read(name, root)
    return found


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder, which may vanish with the last cluster before it is locked. Raises Conflict."""
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if folder.stat().st_ino == os.fstat(fd).st_ino:
                    break
            except (BlockingIOError, FileNotFoundError):
                pass
            os.close(fd)
        if time.monotonic() > deadline:
            raise errors.Conflict(f"another command keeps {folder} locked")
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(fd)
