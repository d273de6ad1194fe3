"""The content-addressed cache outside the tree: `$XDG_CACHE_HOME/talos` (default `~/.cache/talos`).

`<kind>/<key>/` is complete or absent. It is filled as `<kind>/.<key>.<pid>.tmp`, synced, and renamed, so a build killed
at any point leaves nothing that a later run takes for a result; the later run removes the remains. One lock per key
keeps two builders from doing the same work twice.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from talos.imager import errors


def root() -> Path:
    """The cache folder of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "talos"


def key(*parts: object) -> str:
    """Twenty hexadecimal digits that change when any part does; parts are anything JSON can express."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sync_tree(top: Path) -> None:
    """Bring every file and folder below `top` to the disk."""
    for folder, _, files in os.walk(top):
        for name in [*files, "."]:
            path = Path(folder, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                continue
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; it goes with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def remove_tree(path: Path) -> None:
    """Delete a tree, also one with folders that lack write permission (Go's module cache is like that)."""

    def permit(_function: object, name: str, _exc: object) -> None:
        Path(name).parent.chmod(0o755)
        if Path(name).is_dir() and not Path(name).is_symlink():
            Path(name).chmod(0o755)
            shutil.rmtree(name)
        else:
            Path(name).unlink(missing_ok=True)

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, onerror=permit)
    else:
        path.unlink(missing_ok=True)


class Cache:
    """Results of one kind, e.g. `components`."""

    def __init__(self, kind: str, top: Path | None = None) -> None:
        self.folder = (top or root()) / kind

    def path(self, name: str) -> Path:
        """Where the result `name` is, or will be."""
        return self.folder / name

    def get(self, name: str) -> Path | None:
        """The result when it is complete."""
        return self.path(name) if self.path(name).is_dir() else None

    def build(self, name: str, fill: Callable[[Path], None], *, sync: bool = True) -> Path:
        """The result `name`, made by `fill(folder)` when absent.

        `sync=False` is for large results that are cheap to make again: after a power cut they may be torn, so their
        readers have to notice.
        """
        if found := self.get(name):
            return found
        with lock(self.folder / f".{name}.lock"):
            if found := self.get(name):
                return found
            for remains in self.folder.glob(f".{name}.*.tmp"):
                remove_tree(remains)
            temporary = self.folder / f".{name}.{os.getpid()}.tmp"
            temporary.mkdir()
            try:
                fill(temporary)
                if sync:
                    sync_tree(temporary)
            except OSError as exc:
                remove_tree(temporary)
                if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise errors.DiskFull(f"no space left in {self.folder}; free some, the next run resumes") from exc
                raise
            except BaseException:
                remove_tree(temporary)
                raise
            temporary.rename(self.path(name))
            descriptor = os.open(self.folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return self.path(name)

    def prune(self, keep: set[str]) -> list[str]:
        """Remove every result but `keep`; the removed names."""
        if not self.folder.is_dir():
            return []
        entries = (path for path in self.folder.iterdir() if path.is_dir() and not path.is_symlink())
        removed = sorted(path.name for path in entries if path.name not in keep and not path.name.endswith(".tmp"))
        for name in removed:
            remove_tree(self.path(name))
        return removed
