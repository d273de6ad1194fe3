"""Files below /etc of a read-only root: written to /system/etc and bound to where programs look for them.

A file that the image has is bound alone, and changed in place so that the mount stays. Where the image has only the
directory, the directory is bound and its files are replaced atomically.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.linux import mount
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec
from talos.machinery.resources.files.etc_file_status import EtcFileStatus


def relative(id: str) -> PurePosixPath:
    """Return the path below /etc for a resource id. Raises Invalid for one that leaves it."""
    path = PurePosixPath(id)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise errors.Invalid(f"file name {id!r} is not below /etc")
    return path


class EtcFiles:
    """The files themselves. `bind` and `is_mounted` are the two things that need privileges."""

    def __init__(
        self,
        etc: Path = Path("/etc"),
        shadow: Path = paths.SYSTEM_ETC,
        bind: Callable[[Path, Path], None] = mount.bind,
        is_mounted: Callable[[Path], bool] = mount.is_mounted,
    ) -> None:
        self._etc, self._shadow, self._bind, self._is_mounted = etc, shadow, bind, is_mounted

    def _bound_directory(self, path: PurePosixPath) -> PurePosixPath | None:
        """Return the directory that is bound for a file the image does not have; None when the file itself is."""
        if len(path.parts) == 1 or ((self._etc / path).exists() and not self._is_mounted(self._etc / path.parent)):
            return None
        for parent in reversed(path.parents[:-1]):
            # The outermost directory of the image's that holds nothing but what we write.
            if self._is_mounted(self._etc / parent):
                return parent
        return next((p for p in path.parents[:-1] if (self._etc / p).is_dir()), None)

    def write(self, path: PurePosixPath, contents: bytes, mode: int) -> None:
        """Give a file its contents, and make it appear below /etc. Raises OSError."""
        target, shadow = self._etc / path, self._shadow / path
        shadow.parent.mkdir(parents=True, exist_ok=True)
        directory = self._bound_directory(path)
        if directory is None:
            _write_in_place(shadow, contents, mode)
            if not self._is_mounted(target):
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.touch()
                self._bind(shadow, target)
            return
        _replace(shadow, contents, mode)
        if not self._is_mounted(self._etc / directory):
            self._bind(self._shadow / directory, self._etc / directory)

    def remove(self, path: PurePosixPath) -> None:
        """Take a file away; one that is bound alone becomes empty, as a mount in use cannot go. Raises OSError."""
        shadow = self._shadow / path
        if not shadow.exists():
            return
        if self._bound_directory(path) is None:
            _write_in_place(shadow, b"", shadow.stat().st_mode & 0o777)
        else:
            shadow.unlink()


def _write_in_place(path: Path, contents: bytes, mode: int) -> None:
    if path.exists() and path.read_bytes() == contents and path.stat().st_mode & 0o777 == mode:
        return
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(fd, mode)
        os.write(fd, contents)
    finally:
        os.close(fd)


def _replace(path: Path, contents: bytes, mode: int) -> None:
    if path.exists() and path.read_bytes() == contents and path.stat().st_mode & 0o777 == mode:
        return
    scratch = path.with_name(f".{path.name}.new")
    _write_in_place(scratch, contents, mode)
    scratch.replace(path)


class EtcFileController(controller.Controller):
    """Writes what EtcFileSpecs say and reports each as EtcFileStatus."""

    inputs = (controller.strong(EtcFileSpec),)
    outputs = (controller.exclusive(EtcFileStatus),)

    def __init__(self) -> None:
        self._files = EtcFiles()

    async def reconcile(self, r: controller.Handle) -> None:
        """Every file; one that fails does not keep the others."""
        failed: Exception | None = None
        for spec in await r.list(EtcFileSpec):
            id = spec.metadata.id
            try:
                path = relative(id)
                if spec.metadata.phase is not Phase.RUNNING:
                    self._files.remove(path)
                    await r.remove_finalizer(EtcFileSpec, id)
                    continue
                await r.add_finalizer(EtcFileSpec, id)
                self._files.write(path, spec.spec.contents, spec.spec.mode or 0o644)
            except (OSError, errors.Invalid) as error:
                failed = failed or error
                continue
            await r.put(EtcFileStatus(id, EtcFileStatus.Spec(spec_version=str(spec.metadata.version))))
        if failed is not None:
            raise failed
