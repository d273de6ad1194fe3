"""The machine itself: size checks, shared mounts, /var, and its end."""

from __future__ import annotations

import logging
import os

from talos.base import errors
from talos.base.constants import kernel, paths
from talos.linux import mount, procfs
from talos.machined import ephemeral
from talos.machined.sequencer.context import EXIT_REBOOT, EXIT_SHUTDOWN, Context
from talos.machined.sequencer.tasks.config import is_control_plane

_log = logging.getLogger("sequencer.machine")
_MIB = 1024 * 1024
CONTROL_PLANE_MIB, WORKER_MIB, KERNEL_MIB = 1848, 1024, 150


def unmet_requirements(cmdline: str) -> list[str]:
    """Kernel arguments without which a machine does not boot (kernel self-protection) that `cmdline` lacks."""
    given: dict[str, str] = {}
    for word in cmdline.split():
        key, _, value = word.partition("=")
        given[key] = value  # of several the kernel takes the last one
    return [f"{key}={value}" if value else key for key, value in kernel.REQUIRED.items() if given.get(key) != value]


async def system_requirements(_: Context) -> None:
    """Refuse a kernel that was started without its self-protection. Raises Permanent naming what is missing."""
    if missing := unmet_requirements(procfs.cmdline()):
        raise errors.Permanent(f"the kernel was started without {' '.join(missing)}, which this system requires")


async def memory_size_check(context: Context) -> None:
    """Warn when the machine is smaller than the least that works."""
    needed_mib = (CONTROL_PLANE_MIB if await is_control_plane(context) else WORKER_MIB) - KERNEL_MIB
    present_mib = procfs.meminfo().get("MemTotal", 0) // 1024
    if present_mib < needed_mib:
        _log.warning("%d MiB of memory are less than the %d MiB this node needs", present_mib, needed_mib)


async def shared_filesystems(_: Context) -> None:
    """Let mounts travel between the node and its containers where the starter of the container did not."""
    for target in ("/", "/var", "/run"):
        try:
            mount.propagate(target, mount.Flag.SHARED, recursive=True)
        except OSError as error:
            _log.debug("%s is not a mount point: %s", target, error)


async def mount_ephemeral(context: Context) -> None:
    """Make /var ready and lay writable directories over the read-only root; logs are kept from here on."""
    ephemeral.prepare()
    context.logs.persist(paths.LOG)


async def unmount_ephemeral(context: Context) -> None:
    """Let go of /var: logs are written out, overlays taken away, data synced."""
    await context.logs.stop_persisting()
    ephemeral.release()
    os.sync()


async def shut_down(context: Context) -> None:
    """End machined so that init ends the machine."""
    context.ending.set(EXIT_SHUTDOWN)


async def reboot(context: Context) -> None:
    """End machined so that init has the machine started again."""
    context.ending.set(EXIT_REBOOT)
