"""What machined does before anything else: directories, the cgroup tree, limits of open files.

Everything may be repeated: a restarted machined finds it done.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
from pathlib import Path

from talos.base.constants import cgroups as slices
from talos.base.constants import paths, users
from talos.linux import cgroup

_log = logging.getLogger("startup")
OPEN_FILES = 1024 * 1024

_DIRECTORIES: tuple[tuple[Path, int, int], ...] = (
    (paths.SYSTEM_RUN, 0o751, users.ROOT),
    (paths.MACHINE_SOCKET.parent, 0o771, users.APID),
    (paths.APID_RUNTIME_SOCKET.parent, 0o750, users.APID),
    (paths.TRUSTD_RUNTIME_SOCKET.parent, 0o750, users.TRUSTD),
    (paths.SYSTEM_ETC, 0o755, users.ROOT),
    (paths.SYSTEM_VAR, 0o700, users.ROOT),
    (paths.SYSTEM_LIBEXEC, 0o700, users.ROOT),
    (paths.SYSTEM_SECRETS, 0o711, users.ROOT),
    (paths.SYSTEM_CONFIG, 0o711, users.ROOT),
    (paths.STATE, 0o700, users.ROOT),
    (paths.SYSTEM_RESOLVED, 0o755, users.ROOT),
    (paths.SERVICE_LOG_FIFOS, 0o700, users.ROOT),
    (paths.SERVICE_RECORDS, 0o700, users.ROOT),
)


def make_directories() -> None:
    """Make the directories below /system and /run, with owner and mode. Raises OSError."""
    for path, mode, owner in _DIRECTORIES:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        os.chown(path, owner, owner)


def make_cgroups() -> None:
    """Make the cgroup tree of a node. What cannot be set is logged: a node without limits is better than none."""
    tree = cgroup.tree()
    for part in slices.TREE:
        limits = cgroup.Limits(
            memory_min_bytes=part.reserved_bytes,
            memory_low_bytes=part.low_bytes,
            memory_max_bytes=part.max_bytes,
            millicores=part.millicores,
        )
        try:
            tree.create(part.path, limits)
        except OSError as error:
            _log.warning("cgroup %s: %s", part.path, error)


def raise_limits() -> None:
    """Let services open a million files, or as many as the machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(OPEN_FILES, hard), hard):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return
