"""The cgroup v2 subtree that clusters live in (kernel documentation: admin-guide/cgroup-v2, "No Internal Process").

At the kernel's own root controllers can always be given to children. In a container or a delegated scope the top that
is seen here is an inner cgroup, which gives its controllers away only while no process is in it itself: those that
are there, ours too, move into a leaf beside the clusters, and back when the last cluster goes.

    <top>/talos-host    the processes that were in the top
         /talos         all clusters
"""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

from talos.base import errors
from talos.linux import cgroup

NEEDED = ("cpu", "cpuset", "memory", "pids")
_LEAF = "talos-host"


def create(tree: cgroup.Tree, path: str, limits: cgroup.Limits | None = None) -> None:
    """As `Tree.create`, in a tree whose top gives the controllers nodes need. Raises Unsupported when it cannot."""
    if tree.version is cgroup.Version.V2:
        open_top(next(iter(tree.mounts.values())), NEEDED)
    tree.create(path, limits)


def open_top(top: Path, needed: tuple[str, ...]) -> None:
    """Have the top's children use the needed controllers."""
    missing = _missing(top, needed)
    if not missing:
        return
    if errno.EBUSY in _enable(top, missing):
        leaf = top / _LEAF
        leaf.mkdir(exist_ok=True)
        _move(top, leaf)
        _enable(top, missing)
    if missing := _missing(top, needed):
        close_top(top)
        raise errors.Unsupported(f"{top} cannot give the controllers {', '.join(missing)} to the nodes of a cluster")


def close_top(top: Path) -> None:
    """Undo `open_top` where it had to move processes; anything else in the tree must be gone."""
    leaf = top / _LEAF
    if not leaf.is_dir():
        return
    give_up(top)
    _move(leaf, top)
    leaf.rmdir()


def give_up(directory: Path) -> None:
    """Take all controllers from the children of a cgroup, which then takes processes itself again."""
    control = directory / "cgroup.subtree_control"
    with contextlib.suppress(OSError):
        for name in control.read_text().split():
            with contextlib.suppress(OSError):
                control.write_text(f"-{name}")


def _missing(top: Path, needed: tuple[str, ...]) -> list[str]:
    enabled = (top / "cgroup.subtree_control").read_text().split()
    return [name for name in needed if name not in enabled]


def _enable(top: Path, names: list[str]) -> set[int]:
    """The kernel's error numbers."""
    failed = set()
    for name in names:
        try:
            (top / "cgroup.subtree_control").write_text(f"+{name}")
        except OSError as error:
            failed.add(error.errno or errno.EIO)
    return failed


def _move(source: Path, target: Path) -> None:
    """Until none is left: processes fork while they are moved. Kernel threads stay where they are."""
    for _ in range(100):
        pids = (source / "cgroup.procs").read_text().split()
        if not pids:
            return
        for pid in pids:
            # It may have ended; a pid of another pid namespace reads as 0.
            with contextlib.suppress(OSError):
                (target / "cgroup.procs").write_text(pid)
