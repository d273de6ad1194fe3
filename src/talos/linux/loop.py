"""Loop devices: files as block devices (loop(4), linux/loop.h).

Devices are attached with autoclear unless told otherwise: the kernel detaches them when the last user (a mount, an open
descriptor) is gone, so a mount in a namespace that dies takes its device along and nothing is left to clean up.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from talos.base import errors

CONTROL = Path("/dev/loop-control")
_SYS_BLOCK = Path("/sys/block")
_MAJOR = 7

_CTL_GET_FREE = 0x4C82
_CLR_FD = 0x4C01
_GET_STATUS64 = 0x4C05
_CONFIGURE = 0x4C0A  # Linux 5.8

_READ_ONLY, _AUTOCLEAR, _PARTITIONS, _DIRECT_IO = 1, 4, 8, 16
_INFO = struct.Struct("=QQQQQIIII64s64s32s2Q")
_CONFIG_HEAD = struct.Struct("=II")
_CONFIG_TAIL = bytes(64)
_ATTEMPTS = 64


@dataclass(slots=True)
class Device:
    """An attached device. It is held open until `close`; a mount made meanwhile keeps it afterwards."""

    path: Path
    fd: int

    def close(self) -> None:
        """Give up the descriptor; detaches the device if nothing else uses it (autoclear)."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attach(
    file: str | os.PathLike[str],
    *,
    read_only: bool = False,
    direct_io: bool = False,
    autoclear: bool = True,
    partitions: bool = False,
) -> Device:
    """Attach `file` to a free device; `direct_io` by-passes the page cache of the file's own file system.

    `partitions`: the kernel reads its partition table, and may be told of more partitions.
    Raises Unsupported when the kernel has no loop devices, Temporary when none is free, OSError for the file.
    """
    flags = (_READ_ONLY if read_only else 0) | (_AUTOCLEAR if autoclear else 0) | (_DIRECT_IO if direct_io else 0)
    flags |= _PARTITIONS if partitions else 0
    backing = os.open(file, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
    try:
        name = os.fsencode(file)[:63]
        info = _INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, flags, name, b"", b"", 0, 0)
        request = _CONFIG_HEAD.pack(backing, 0) + info + _CONFIG_TAIL
        for _ in range(_ATTEMPTS):
            device = Device(*_open(free_number()))
            try:
                fcntl.ioctl(device.fd, _CONFIGURE, request)
            except OSError as error:
                device.close()
                # Somebody else took the free one between the question and the answer.
                if error.errno == errno.EBUSY:
                    continue
                raise OSError(error.errno, f"{error.strerror} (attaching a loop device)", os.fspath(file)) from error
            return device
    finally:
        os.close(backing)
    raise errors.Temporary("no free loop device: others take them faster than they can be had")


def free_number() -> int:
    """Number of a device nothing is attached to. Raises Unsupported, Temporary."""
    try:
        control = os.open(CONTROL, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        raise errors.Unsupported(f"this kernel has no loop devices ({CONTROL} is absent)") from None
    try:
        return int(fcntl.ioctl(control, _CTL_GET_FREE))
    except OSError as error:
        raise errors.Temporary(f"no free loop device: {error.strerror}") from error
    finally:
        os.close(control)


def _open(number: int, flags: int = os.O_RDWR) -> tuple[Path, int]:
    """Open device `number`; makes its node where /dev is not kept by the kernel (devtmpfs)."""
    path = Path(f"/dev/loop{number}")
    try:
        return path, os.open(path, flags | os.O_CLOEXEC)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            os.mknod(path, 0o660 | stat.S_IFBLK, os.makedev(_MAJOR, number))
        return path, os.open(path, flags | os.O_CLOEXEC)


def share(file: str | os.PathLike[str]) -> Device:
    """A read-only device of `file`: the one it is attached to already, else a new one.

    Mounts of one device share their page cache, which those of two devices of the same file do not.
    """
    wanted = Path(file).stat()
    for number in attached(file):
        try:
            device = Device(*_open(number, os.O_RDONLY))
        except OSError:
            continue
        if _backing(device.fd) == (wanted.st_dev, wanted.st_ino) and _is_read_only(number):
            return device
        device.close()
    return attach(file, read_only=True)


def _is_read_only(number: int) -> bool:
    with contextlib.suppress(OSError):
        return (_SYS_BLOCK / f"loop{number}" / "ro").read_text().strip() == "1"
    return False


def _backing(fd: int) -> tuple[int, int] | None:
    """Device and inode of the attached file; None when nothing is attached (any more)."""
    buffer = bytearray(_INFO.size)
    try:
        fcntl.ioctl(fd, _GET_STATUS64, buffer)
    except OSError:
        return None
    fields = _INFO.unpack(buffer)
    return _decode_device(fields[0]), fields[1]


def _decode_device(encoded: int) -> int:
    """The kernel's `huge_encode_dev` as the number `stat` gives."""
    major = (encoded >> 8) & 0xFFF
    minor = (encoded & 0xFF) | ((encoded >> 12) & 0xFFF00)
    return os.makedev(major, minor)


def attached(file: str | os.PathLike[str] | None = None) -> dict[int, str]:
    """Number -> backing file of the attached devices, of all or of those whose backing file has this path."""
    wanted = None if file is None else os.path.realpath(file)
    return {number: path for number, path in _scan() if wanted in (None, path)}


def _scan() -> Iterator[tuple[int, str]]:
    for entry in sorted(_SYS_BLOCK.glob("loop*")):
        try:
            text = (entry / "loop" / "backing_file").read_text().rstrip("\n")
        except OSError:
            continue
        # A deleted file keeps its path with this mark.
        yield int(entry.name.removeprefix("loop")), text.removesuffix(" (deleted)")


def detach(number: int) -> None:
    """Detach a device, at once or when its last user is gone. Raises OSError; ENXIO when it is not attached."""
    _, fd = _open(number)
    try:
        fcntl.ioctl(fd, _CLR_FD)
    finally:
        os.close(fd)
