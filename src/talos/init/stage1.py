"""First stage of a machine: what the kernel starts from the initramfs.

    devices ─ modules for loop and squashfs ─ root image ─ kernel modules below it ─ initramfs emptied ─ exec init

Both images lie in the initramfs, so they are covered by the signature and the measurement of the unified kernel image
that holds it; nothing else is ever mounted as root, and nothing can be written to it. Few imports: each costs time
before the kernel's own drivers are even loaded.
"""

from __future__ import annotations

import ctypes
import os
import time

NEW_ROOT = "/root"
ROOT_IMAGE, MODULES_IMAGE = "/rootfs.sqsh", "/modules.sqsh"
MODULE_LIST = "/modules/order"
CONFIGURATION, CONFIGURATION_FOLDER = "/config.yaml", "/usr/local/etc/talos"
INIT = "/usr/bin/init"

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT, _MS_MOVE = 1, 2, 4, 8, 32, 8192
_SYS_FINIT_MODULE = {"x86_64": 313, "aarch64": 273}
_COMPRESSED = 4
_LOOP_CTL_GET_FREE, _LOOP_CONFIGURE = 0x4C82, 0x4C0A
_LO_READ_ONLY = 1
_LOOP_CONFIG_BYTES, _LO_FLAGS_AT = 304, 8 + 52
_EEXIST = 17
_FAILED_PAUSE_S = 10
_REBOOT = 0x01234567
_GUARD_S = 300.0
_GUARD_ARGUMENT, _GUARD_VARIABLE = "pytalos.first_stage_timeout=", "PYTALOS_GUARD"

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2). Raises OSError."""
    _check(
        _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()), target
    )


def load_modules() -> None:
    """Insert the modules of the list; it is in the order of their dependencies."""
    with open(MODULE_LIST, encoding="utf-8") as order:
        paths = order.read().split()
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        flags = 0 if path.endswith(".ko") else _COMPRESSED
        result = _libc.syscall(_SYS_FINIT_MODULE[os.uname().machine], descriptor, b"", flags)
        if result < 0 and ctypes.get_errno() != _EEXIST:
            _check(result, path)
        os.close(descriptor)


def loop_config(descriptor: int) -> bytearray:
    """struct loop_config (linux/loop.h) for a read-only device over `descriptor`."""
    config = bytearray(_LOOP_CONFIG_BYTES)
    config[0:4] = descriptor.to_bytes(4, "little")
    config[_LO_FLAGS_AT : _LO_FLAGS_AT + 4] = _LO_READ_ONLY.to_bytes(4, "little")
    return config


def attach(image: str) -> str:
    """Make a file a block device; its path. Raises OSError."""
    control = os.open("/dev/loop-control", os.O_RDWR)
    path = f"/dev/loop{_check(_libc.ioctl(control, ctypes.c_ulong(_LOOP_CTL_GET_FREE)), 'loop-control')}"
    os.close(control)
    file, device = os.open(image, os.O_RDONLY), os.open(path, os.O_RDWR)
    config = loop_config(file)
    buffer = (ctypes.c_char * len(config)).from_buffer(config)
    _check(_libc.ioctl(device, ctypes.c_ulong(_LOOP_CONFIGURE), buffer), image)
    os.close(file)
    os.close(device)
    return path


def remove_below(folder: str, device: int) -> None:
    """Free the memory of what the first stage no longer needs; other file systems are left alone.

    Names go first and memory follows when the last user is gone: the two images stay as long as they are mounted.
    """
    for entry in os.scandir(folder):
        if entry.stat(follow_symlinks=False).st_dev != device:
            continue
        if entry.is_dir(follow_symlinks=False):
            remove_below(entry.path, device)
            os.rmdir(entry.path)
        else:
            os.unlink(entry.path)


def place_configuration() -> None:
    """Put the configuration that the initramfs carries where machined looks, read-only. Raises OSError."""
    if not os.path.exists(CONFIGURATION):
        return
    target, flags = NEW_ROOT + CONFIGURATION_FOLDER, _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    mount("tmpfs", target, "tmpfs", flags, "mode=0700,size=4m")
    with open(CONFIGURATION, "rb") as source, open(target + CONFIGURATION, "wb") as sink:
        sink.write(source.read())
    os.chmod(target + CONFIGURATION, 0o400)
    mount("", target, "", flags | _MS_RDONLY | _MS_REMOUNT)


def enter() -> None:
    """Make the new root the root. Raises OSError."""
    os.chdir(NEW_ROOT)
    mount(".", "/", "", _MS_MOVE)
    os.chroot(".")
    os.chdir("/")


def guard() -> int:
    """Start a process that starts the machine again unless init ends it in time; its pid.

    Whatever hangs on the way there would otherwise hang for ever, and the loader never get to count the attempt.
    """
    limit_s = _GUARD_S
    with open("/proc/cmdline", encoding="utf-8", errors="replace") as source:
        for word in source.read().split():
            if word.startswith(_GUARD_ARGUMENT) and word[len(_GUARD_ARGUMENT) :].isdigit():
                limit_s = float(word[len(_GUARD_ARGUMENT) :])
    pid = os.fork()
    if pid:
        return pid
    time.sleep(limit_s)
    os.write(2, b"[stage1] init was not reached in time: starting again\n")
    os.sync()
    _libc.reboot(ctypes.c_uint(_REBOOT))
    os._exit(1)


def prepare() -> int:
    """Everything up to the change of root; the pid of the guard. Raises OSError."""
    for target, kind, flags in (
        ("/dev", "devtmpfs", _MS_NOSUID),
        ("/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC),
    ):
        os.makedirs(target, exist_ok=True)
        mount(kind, target, kind, flags, "mode=0755" if kind == "devtmpfs" else "")
    pid = guard()
    load_modules()
    os.makedirs(NEW_ROOT, exist_ok=True)
    mount(attach(ROOT_IMAGE), NEW_ROOT, "squashfs", _MS_RDONLY | _MS_NODEV)
    mount(attach(MODULES_IMAGE), f"{NEW_ROOT}/usr/lib/modules", "squashfs", _MS_RDONLY | _MS_NODEV | _MS_NOSUID)
    place_configuration()
    for target in ("/dev", "/proc"):
        mount(target, NEW_ROOT + target, "", _MS_MOVE)
    return pid


def main() -> int:
    """Run as PID 1 of the initramfs; on failure the kernel panics and, told so by `panic=`, starts again."""
    try:
        pid = prepare()
        remove_below("/", os.stat("/").st_dev)
        enter()
        os.execve(INIT, [INIT], {**os.environ, _GUARD_VARIABLE: str(pid)})  # noqa: S606 - the next stage
    except OSError as error:
        os.write(2, f"[stage1] {error.filename}: {error.strerror}\n".encode())
        time.sleep(_FAILED_PAUSE_S)
    return 1
