"""The machine itself: size checks, shared mounts, /var, and its end."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from talos.base.constants import paths
from talos.linux import mount, procfs
from talos.machined.sequencer.context import EXIT_REBOOT, EXIT_SHUTDOWN, Context
from talos.machined.sequencer.tasks.config import is_control_plane

_log = logging.getLogger("sequencer.machine")
_MIB = 1024 * 1024
CONTROL_PLANE_MIB, WORKER_MIB, KERNEL_MIB = 1848, 1024, 150

OVERLAYS = (Path("/etc/cni"), Path("/etc/kubernetes"), Path("/usr/libexec/kubernetes"), Path("/opt"))
"""Directories of the read-only root that take changes: kept in /var, laid over what the image has."""
OVERLAY_DATA = Path("/var/system/overlays")

_VAR = (
    (Path("/var/lib"), 0o700),
    (Path("/var/lib/containerd"), 0o700),
    (Path("/var/lib/kubelet"), 0o700),
    (Path("/var/lib/cni"), 0o700),
    (Path("/var/lib/kubelet/seccomp/profiles"), 0o700),
    (Path("/var/log"), 0o755),
    (Path("/var/log/audit"), 0o700),
    (Path("/var/log/containers"), 0o755),
    (Path("/var/log/pods"), 0o755),
    (Path("/var/run"), 0o755),
    (Path("/var/mnt"), 0o755),
    (OVERLAY_DATA, 0o700),
)


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
    for path, mode in _VAR:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    for target in OVERLAYS:
        if target.is_dir() and not mount.is_mounted(target):
            _overlay(target)
    context.logs.persist(paths.LOG)


def _overlay(target: Path) -> None:
    name = str(target).strip("/").replace("/", "-")
    upper, work = OVERLAY_DATA / f"{name}-diff", OVERLAY_DATA / f"{name}-workdir"
    upper.mkdir(mode=target.stat().st_mode & 0o777, exist_ok=True)
    work.mkdir(mode=0o700, exist_ok=True)
    mount.mount("overlay", target, "overlay", mount.Flag.NONE, f"lowerdir={target},upperdir={upper},workdir={work}")
    mount.propagate(target, mount.Flag.SHARED)


async def unmount_ephemeral(context: Context) -> None:
    """Let go of /var: logs are written out, overlays taken away, data synced."""
    await context.logs.stop_persisting()
    for target in reversed(OVERLAYS):
        if mount.is_mounted(target):
            try:
                mount.unmount(target)
            except OSError as error:
                _log.warning("%s", error)
                mount.unmount(target, mount.Detach.LAZY)
    os.sync()


async def shut_down(context: Context) -> None:
    """End machined so that init ends the machine."""
    context.ending.set(EXIT_SHUTDOWN)


async def reboot(context: Context) -> None:
    """End machined so that init has the machine started again."""
    context.ending.set(EXIT_REBOOT)
