"""Files of the node over the API: List, DiskUsage, Read and Copy of machine.MachineService.

All four walk the real file system of the node and stream, so that neither a huge directory nor a huge file is held in
memory. A file that vanishes or can not be read becomes an `error` in its own entry; only a root that does not exist
fails the call. Copy sends a gzip-compressed POSIX tar (pax) with names relative to the requested path.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors, tasks
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc

CHUNK_BYTES = 64 * 1024
# Entries walked between two turns of the event loop.
_BATCH = 200
# The tar writer notices its closed pipe at the next write.
_WRITER_END_S = 30
# Pseudo file systems report nonsense sizes and never end when read whole.
_NEVER_ENTER = ("/proc", "/sys")
# What they report of files whose content is made when read: nothing, or a page.
_PSEUDO_SIZES = (0, 4096)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file met by `walk`. `relative` is "." for the root; `status` is lstat, None when `error` says why not."""

    path: str
    relative: str
    depth: int
    status: os.stat_result | None
    error: str = ""


def _lstat(path: str, relative: str, depth: int) -> Entry:
    try:
        return Entry(path, relative, depth, os.lstat(path))
    except OSError as error:
        return Entry(path, relative, depth, None, f"{path}: {error.strerror}")


def walk(root: str, max_depth: int) -> Iterator[Entry]:
    """Depth-first, parents first, names sorted; `max_depth` < 0 is unlimited, 0 is the root alone.

    Symbolic links are reported, never followed, except the root itself.
    Raises NotFound when the root does not exist.
    """
    resolved = str(Path(root).resolve())
    if not os.path.lexists(resolved):
        raise errors.NotFound(f"{root}: no such file or directory")
    stack = [_lstat(resolved, ".", 0)]
    while stack:
        entry = stack.pop()
        yield entry
        if entry.status is None or not stat.S_ISDIR(entry.status.st_mode):
            continue
        if 0 <= max_depth <= entry.depth:
            continue
        try:
            names = sorted(os.listdir(entry.path), reverse=True)
        except OSError as error:
            yield Entry(entry.path, entry.relative, entry.depth, None, f"{entry.path}: {error.strerror}")
            continue
        for name in names:
            relative = name if entry.relative == "." else f"{entry.relative}/{name}"
            stack.append(_lstat(f"{entry.path.rstrip('/')}/{name}", relative, entry.depth + 1))


async def _cooperative(entries: Iterator[Entry]) -> AsyncIterator[Entry]:
    """The same entries, giving the event loop a turn now and then."""
    for number, entry in enumerate(entries):
        if number % _BATCH == _BATCH - 1:
            await asyncio.sleep(0)
        yield entry


def _type_of(mode: int) -> int:
    if stat.S_ISDIR(mode):
        return machine_pb2.ListRequest.DIRECTORY
    if stat.S_ISLNK(mode):
        return machine_pb2.ListRequest.SYMLINK
    return machine_pb2.ListRequest.REGULAR


def _go_mode(mode: int) -> int:
    """POSIX mode -> the bits of Go's fs.FileMode, which is what clients decode."""
    go = mode & 0o777
    kinds = {
        stat.S_IFDIR: 1 << 31,
        stat.S_IFLNK: 1 << 27,
        stat.S_IFBLK: 1 << 26,
        stat.S_IFCHR: (1 << 26) | (1 << 21),
        stat.S_IFIFO: 1 << 25,
        stat.S_IFSOCK: 1 << 24,
    }
    go |= kinds.get(stat.S_IFMT(mode), 0)
    for posix, bit in ((stat.S_ISUID, 1 << 23), (stat.S_ISGID, 1 << 22), (stat.S_ISVTX, 1 << 20)):
        if mode & posix:
            go |= bit
    return go


def _xattrs(path: str) -> list[machine_pb2.Xattr]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return [machine_pb2.Xattr(name=n, data=os.getxattr(path, n, follow_symlinks=False)) for n in names]
    except OSError:
        return []


def _info(entry: Entry, *, xattrs: bool) -> machine_pb2.FileInfo:
    info = machine_pb2.FileInfo(name=entry.path, relative_name=entry.relative, error=entry.error)
    if entry.status is None:
        return info
    info.size = entry.status.st_size
    info.mode = _go_mode(entry.status.st_mode)
    info.modified = int(entry.status.st_mtime)
    info.is_dir = stat.S_ISDIR(entry.status.st_mode)
    info.uid = entry.status.st_uid
    info.gid = entry.status.st_gid
    if stat.S_ISLNK(entry.status.st_mode):
        try:
            info.link = os.readlink(entry.path)
        except OSError as error:
            info.error = f"{entry.path}: {error.strerror}"
    if xattrs:
        info.xattrs.extend(_xattrs(entry.path))
    return info


@dataclass(slots=True)
class _Usage:
    entry: Entry
    size: int


def usages(root: str, max_depth: int, *, every_file: bool, threshold: int) -> Iterator[_Usage]:
    """Sizes in bytes like du: children before parents, directories hold the sum of what is below.

    `threshold` > 0 keeps entries of at least that size, < 0 those of at most its absolute value.
    """
    open_directories: list[_Usage] = []

    def wanted(usage: _Usage) -> bool:
        if 0 < max_depth < usage.entry.depth:
            return False
        return usage.size >= threshold if threshold >= 0 else usage.size <= -threshold

    def close_to(depth: int) -> Iterator[_Usage]:
        while open_directories and open_directories[-1].entry.depth >= depth:
            done = open_directories.pop()
            if open_directories:
                open_directories[-1].size += done.size
            if wanted(done):
                yield done

    for entry in walk(root, -1):
        if entry.error:
            yield _Usage(entry, 0)
            continue
        yield from close_to(entry.depth)
        size = entry.status.st_size if entry.status else 0
        usage = _Usage(entry, size)
        if entry.status and stat.S_ISDIR(entry.status.st_mode):
            open_directories.append(usage)
            continue
        if open_directories:
            open_directories[-1].size += size
        if (every_file or entry.depth == 0) and wanted(usage):
            yield usage
    yield from close_to(0)


def _require_absolute(path: str) -> None:
    if not path.startswith("/"):
        raise errors.Invalid(f"path must be absolute, got {path!r}")


def write_tar(root: str, target: int) -> None:
    """Write a tar.gz of `root` to the file descriptor `target` and close it. Runs in a thread."""
    with os.fdopen(target, "wb") as sink, tarfile.open(fileobj=sink, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        for entry in walk(root, -1):
            if entry.status is None or (entry.path.startswith(_NEVER_ENTER) and not root.startswith(_NEVER_ENTER)):
                continue
            if stat.S_ISSOCK(entry.status.st_mode):
                continue
            name = (
                Path(entry.path).name
                if entry.relative == "." and stat.S_ISREG(entry.status.st_mode)
                else entry.relative
            )
            _add(tar, entry.path, name)


def _add(tar: tarfile.TarFile, path: str, name: str) -> None:
    """Add one file; what can not be read is left out, a size that changes while reading is padded."""
    try:
        info = tar.gettarinfo(path, arcname=name)
    except OSError:
        return
    if not info.isreg():
        tar.addfile(info)
        return
    try:
        source = Path(path).open("rb")  # noqa: SIM115 closed below
    except OSError:
        return
    with source:
        if info.size in _PSEUDO_SIZES and path.startswith(_NEVER_ENTER):
            try:
                content = source.read()
            except OSError:
                return
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            return
        tar.addfile(info, _Exactly(source, info.size))


class _Exactly:
    """Reads exactly the announced number of bytes: a file that shrank is padded with zeros, growth is ignored."""

    def __init__(self, source: object, size: int) -> None:
        self._read = source.read  # type: ignore[attr-defined]
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes of what was announced."""
        size = self._left if size < 0 else min(size, self._left)
        data: bytes = self._read(size)
        data += bytes(size - len(data))
        self._left -= size
        return data


def _write_tar_until_closed(root: str, target: int) -> None:
    # The caller closing its end is the normal way to stop early.
    with contextlib.suppress(BrokenPipeError):
        write_tar(root, target)


class Files(Handlers):
    """List, DiskUsage, Read and Copy."""

    service = "machine.MachineService"

    async def list(self, request: machine_pb2.ListRequest, call: rpc.Call) -> AsyncIterator[machine_pb2.FileInfo]:
        """Stream the entries below `root` (default /)."""
        depth = (request.recursion_depth or -1) if request.recurse else 1
        async for entry in _cooperative(walk(request.root or "/", depth)):
            if request.types and entry.status and _type_of(entry.status.st_mode) not in request.types:
                continue
            yield _info(entry, xattrs=request.report_xattrs)

    async def disk_usage(
        self, request: machine_pb2.DiskUsageRequest, call: rpc.Call
    ) -> AsyncIterator[machine_pb2.DiskUsageInfo]:
        """Stream the sizes below each of `paths` (default /)."""
        count = 0
        for path in request.paths or ["/"]:
            for usage in usages(path, request.recursion_depth, every_file=request.all, threshold=request.threshold):
                count += 1
                if count % _BATCH == 0:
                    await asyncio.sleep(0)
                yield machine_pb2.DiskUsageInfo(
                    name=usage.entry.path,
                    relative_name=usage.entry.relative if usage.entry.relative != "." else path,
                    size=usage.size,
                    error=usage.entry.error,
                )

    async def read(self, request: machine_pb2.ReadRequest, call: rpc.Call) -> AsyncIterator[common_pb2.Data]:
        """Stream the bytes of one regular file."""
        _require_absolute(request.path)
        path = Path(request.path)
        if not path.exists():
            raise errors.NotFound(f"{path}: no such file or directory")
        if not path.is_file():
            raise errors.Invalid(f"{path}: path must be a regular file")
        with path.open("rb", buffering=0) as source:
            while chunk := source.read(CHUNK_BYTES):
                yield common_pb2.Data(bytes=chunk)
                await asyncio.sleep(0)

    async def copy(self, request: machine_pb2.CopyRequest, call: rpc.Call) -> AsyncIterator[common_pb2.Data]:
        """Stream a tar.gz of a file or directory."""
        _require_absolute(request.root_path)
        if not os.path.lexists(request.root_path):
            raise errors.NotFound(f"{request.root_path}: no such file or directory")
        reading, writing = os.pipe()
        async with tasks.Owner("copy") as owner:
            writer = owner.spawn(asyncio.to_thread(_write_tar_until_closed, request.root_path, writing), "tar")
            try:
                async for chunk in _read_pipe(reading):
                    yield common_pb2.Data(bytes=chunk)
            finally:
                os.close(reading)
                await asyncio.wait([writer], timeout=_WRITER_END_S)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _read_pipe(descriptor: int) -> AsyncIterator[bytes]:
    """Chunks of a pipe until its writer closes, without blocking the loop."""
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)
    while True:
        try:
            chunk = os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            ready: asyncio.Future[None] = loop.create_future()
            loop.add_reader(descriptor, _wake, ready)
            try:
                await ready
            finally:
                loop.remove_reader(descriptor)
            continue
        if not chunk:
            return
        yield chunk
