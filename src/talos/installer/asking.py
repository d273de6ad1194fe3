"""Asks a new system whether it understands the present machine configuration, before it is switched to.

The new root file system lies uncompressed in the unified kernel image; it is mounted from there and its own installer
program runs in it: no other version can say what it accepts. It runs as nobody, with nothing of this machine in sight.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from talos.base import errors
from talos.boot import pe
from talos.installer import sources
from talos.linux import loop, mount, ns

ROOT_IMAGE = "rootfs.sqsh"
PROGRAM = "/usr/bin/installer"
TIMEOUT_S = 120.0
_NOBODY = 65534
_PIECE = 4 << 20


def take_root(found: sources.Found, folder: Path) -> Path:
    """Copy the new root file system out of its image. Raises Invalid when it has none, OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with found.path.open("rb") as source:
        fd = source.fileno()
        where = pe.carried(lambda at, n: os.pread(fd, n, at), found.about.sections[".initrd"], ROOT_IMAGE)
        if where is None:
            raise errors.Invalid("the image carries no root file system")
        target = folder / ROOT_IMAGE
        with target.open("wb") as sink:
            at, left = where.offset, where.size
            while left:
                done = os.copy_file_range(fd, sink.fileno(), min(_PIECE, left), at)
                if not done:
                    raise errors.Invalid("the image ends early")
                at, left = at + done, left - done
        return target


@contextlib.contextmanager
def mounted(image: Path, target: Path) -> Iterator[Path]:
    """Mount a root image. Raises Invalid when it is none, OSError."""
    target.mkdir(parents=True, exist_ok=True)
    with loop.attach(image, read_only=True) as device:
        flags = mount.Flag.RDONLY | mount.Flag.NODEV | mount.Flag.NOSUID
        try:
            mount.mount(device.path, target, "squashfs", flags)
        except OSError as error:
            raise errors.Invalid(f"the image's root file system can not be mounted: {error.strerror}") from error
        try:
            yield target
        finally:
            mount.unmount(target)


def config_problems(found: sources.Found, folder: Path, config: bytes, mode: str) -> str:
    """Why the new system would refuse the configuration, empty when it takes it.

    Blocks. Raises Invalid for a system that can not be asked, TimedOut, OSError.
    """
    image = take_root(found, folder)
    try:
        with mounted(image, folder / "root") as root:
            if not (root / PROGRAM.lstrip("/")).is_symlink():
                raise errors.Invalid("the new system has no program to ask")
            return _ask(root, config, mode)
    finally:
        image.unlink(missing_ok=True)


def _ask(root: Path, config: bytes, mode: str) -> str:
    def enter() -> None:
        ns.unshare(ns.Kind.NET | ns.Kind.IPC | ns.Kind.UTS)
        os.chroot(root)
        os.chdir("/")
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)

    try:
        ended = subprocess.run(
            [PROGRAM, "validate", mode],
            input=config,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={},
            preexec_fn=enter,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise errors.TimedOut(f"the new system did not answer within {TIMEOUT_S:g} s") from None
    except subprocess.SubprocessError as error:
        raise errors.Invalid(f"the new system can not be asked: {error}") from error
    if ended.returncode == 0:
        return ""
    said = ended.stdout.decode(errors="replace").strip()[-4000:]
    return said or f"its installer ended with code {ended.returncode}"
