"""Reading nodes' console logs, across the rotation the launcher does, and keeping them beyond the cluster."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

from talos.provision.providers.namespaces import launch
from talos.provision.state import Store

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


def save(store: Store, name: str, archive: Path) -> None:
    """Write the logs of a cluster's nodes to a new .tar.gz file: `<node>/console.log` and its like.

    Raises NotFound without the cluster, OSError when the file cannot be written.
    """
    cluster = store.load(name)
    unfinished = archive.with_name(f".{archive.name}.{os.getpid()}")
    try:
        with tarfile.open(unfinished, "w:gz") as target:
            for node in cluster.request.nodes:
                for file in sorted(cluster.node_folder(node.name).glob("*.log*")):
                    target.add(file, arcname=f"{node.name}/{file.name}", recursive=False)
        unfinished.rename(archive)
    finally:
        unfinished.unlink(missing_ok=True)
