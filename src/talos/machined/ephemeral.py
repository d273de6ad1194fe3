"""/var: the directories every node has there, and the writable directories it lends to the read-only root.

In container mode /var is there from the start and this runs before the controllers, so that what they write below
/etc/kubernetes goes to the right place at the first try. On a machine it runs when the volume is mounted; till then the
root refuses such writes.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from talos.linux import mount

_log = logging.getLogger("ephemeral")

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


def prepare() -> None:
    """Make directories and mount overlays; what is done already stays. Raises OSError."""
    for path, mode in _VAR:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    # What an import left behind that was cut off.
    shutil.rmtree("/var/system/import", ignore_errors=True)
    for target in OVERLAYS:
        if target.is_dir() and not mount.is_mounted(target):
            _overlay(target)


def _overlay(target: Path) -> None:
    name = str(target).strip("/").replace("/", "-")
    upper, work = OVERLAY_DATA / f"{name}-diff", OVERLAY_DATA / f"{name}-workdir"
    upper.mkdir(mode=target.stat().st_mode & 0o777, exist_ok=True)
    work.mkdir(mode=0o700, exist_ok=True)
    mount.mount("overlay", target, "overlay", mount.Flag.NONE, f"lowerdir={target},upperdir={upper},workdir={work}")
    mount.propagate(target, mount.Flag.SHARED)


def release() -> None:
    """Unmount the overlays; one that is in use goes when it is free."""
    for target in reversed(OVERLAYS):
        if mount.is_mounted(target):
            try:
                mount.unmount(target)
            except OSError as error:
                _log.warning("%s", error)
                mount.unmount(target, mount.Detach.LAZY)
