"""Control groups, v1 and v2 (kernel documentation: admin-guide/cgroup-v2, admin-guide/cgroup-v1).

`Tree` hides the version: a cgroup is named by its path relative to the root that is mounted here. In v2 that is one
directory, in v1 one per hierarchy. Limits that a version does not know are left out (v1 has no `memory.min`).
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import errno
import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from talos.base import errors
from talos.linux import mount

ROOT = Path("/sys/fs/cgroup")
_V2_CONTROLLERS = ("cpu", "cpuset", "memory", "pids", "io", "hugetlb", "rdma", "misc")


class Version(enum.Enum):
    """Which interface carries the controllers; v1 with a bare v2 hierarchy beside it (`unified`) counts as v1."""

    V1 = 1
    V2 = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cgroup is given; bytes, millicores, number of tasks. 0 leaves the value alone."""

    memory_min_bytes: int = 0
    memory_low_bytes: int = 0
    memory_max_bytes: int = 0
    millicores: int = 0
    cpu_max_millicores: int = 0
    pids_max: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a cgroup uses: bytes, nanoseconds of CPU time, number of tasks."""

    memory_bytes: int = 0
    cpu_ns: int = 0
    pids: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """One file to write in a cgroup: `controller` names the v1 hierarchy (ignored in v2)."""

    controller: str
    file: str
    value: str


def shares(millicores: int) -> int:
    """Return v1 `cpu.shares` for a CPU share in millicores, as kubelet computes it."""
    return max(2, millicores * 1024 // 1000)


def weight(millicores: int) -> int:
    """Return v2 `cpu.weight` (1 to 10000) for a CPU share in millicores: the linear map of runc from shares."""
    return min(10000, 1 + (shares(millicores) - 2) * 9999 // 262142)


def plan(version: Version, limits: Limits) -> list[Write]:
    """Return the writes that give a cgroup its limits."""
    writes: list[Write] = []

    def add(controller: str, file: str, value: object) -> None:
        writes.append(Write(controller, file, str(value)))

    period_us = 100_000
    quota_us = limits.cpu_max_millicores * period_us // 1000
    if version is Version.V2:
        if limits.memory_min_bytes:
            add("memory", "memory.min", limits.memory_min_bytes)
        if limits.memory_low_bytes:
            add("memory", "memory.low", limits.memory_low_bytes)
        if limits.memory_max_bytes:
            add("memory", "memory.max", limits.memory_max_bytes)
        if limits.millicores:
            add("cpu", "cpu.weight", weight(limits.millicores))
        if quota_us:
            add("cpu", "cpu.max", f"{quota_us} {period_us}")
    else:
        if limits.memory_low_bytes:
            add("memory", "memory.soft_limit_in_bytes", limits.memory_low_bytes)
        if limits.memory_max_bytes:
            add("memory", "memory.limit_in_bytes", limits.memory_max_bytes)
        if limits.millicores:
            add("cpu", "cpu.shares", shares(limits.millicores))
        if quota_us:
            add("cpu", "cpu.cfs_period_us", period_us)
            add("cpu", "cpu.cfs_quota_us", quota_us)
    if limits.pids_max:
        add("pids", "pids.max", limits.pids_max)
    return writes


@dataclass(frozen=True, slots=True)
class Tree:
    """The mounted hierarchies. `mounts`: controller -> directory of its hierarchy; in v2 the one key is empty."""

    version: Version
    mounts: Mapping[str, Path] = field(default_factory=dict)

    def directories(self, path: str) -> list[Path]:
        """Return the directories of a cgroup, one per hierarchy. Raises Invalid for a path that leaves the tree."""
        parts = [part for part in path.split("/") if part]
        if any(part in (".", "..") for part in parts):
            raise errors.Invalid(f"cgroup path {path!r} is not valid")
        return [top.joinpath(*parts) for top in dict.fromkeys(self.mounts.values())]

    def procs_files(self, path: str) -> list[Path]:
        """Return the files a process enters the cgroup by."""
        return [directory / "cgroup.procs" for directory in self.directories(path)]

    def exists(self, path: str) -> bool:
        """Tell whether the cgroup exists in every hierarchy."""
        return all(directory.is_dir() for directory in self.directories(path))

    def create(self, path: str, limits: Limits | None = None) -> None:
        """Make the cgroup and its parents, with all controllers enabled, and set limits. Existing ones are kept."""
        parts = [part for part in path.split("/") if part]
        if self.version is Version.V2:
            top = next(iter(self.mounts.values()))
            enable_controllers(top)
            for depth in range(1, len(parts) + 1):
                directory = top.joinpath(*parts[:depth])
                directory.mkdir(exist_ok=True)
                if depth < len(parts):
                    enable_controllers(directory)
        else:
            for directory in self.directories(path):
                directory.mkdir(parents=True, exist_ok=True)
            self._inherit_cpuset(parts)
        if limits is not None:
            self.limit(path, limits)

    def _inherit_cpuset(self, parts: list[str]) -> None:
        """A new v1 cpuset is empty and accepts no process until it has CPUs and memory nodes."""
        top = self.mounts.get("cpuset")
        if top is None:
            return
        for depth in range(1, len(parts) + 1):
            directory = top.joinpath(*parts[:depth])
            for name in ("cpuset.cpus", "cpuset.mems"):
                file = directory / name
                if file.exists() and not file.read_text().strip():
                    file.write_text((directory.parent / name).read_text())

    def limit(self, path: str, limits: Limits) -> None:
        """Set limits. Controllers or files this kernel does not have are left out; other failures raise OSError."""
        for write in plan(self.version, limits):
            top = self.mounts.get("" if self.version is Version.V2 else write.controller)
            if top is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                file = top / path.strip("/") / write.file
                with file.open("r+") as target:
                    target.write(write.value)

    def enter(self, path: str, pid: int = 0) -> None:
        """Move a process (0: the caller) into the cgroup. Raises OSError."""
        for file in self.procs_files(path):
            with file.open("r+") as target:
                target.write(str(pid))

    def pids(self, path: str, *, recursive: bool = True) -> set[int]:
        """Return the processes in the cgroup (and below)."""
        found: set[int] = set()
        for directory in self.directories(path):
            walked = os.walk(directory) if recursive else [(str(directory), [], [])]
            for name, _, _ in walked:
                with contextlib.suppress(OSError):
                    found.update(int(line) for line in Path(name, "cgroup.procs").read_text().split())
        return found - {0}

    def usage(self, path: str) -> Usage:
        """Return memory, CPU time and tasks of the cgroup; 0 for what cannot be read."""
        if self.version is Version.V2:
            base = self.directories(path)[0]
            cpu_ns = _key(base / "cpu.stat", "usage_usec") * 1000
            return Usage(_number(base / "memory.current"), cpu_ns, _number(base / "pids.current"))
        relative = path.strip("/")

        def read(controller: str, file: str) -> int:
            top = self.mounts.get(controller)
            return _number(top / relative / file) if top else 0

        return Usage(
            read("memory", "memory.usage_in_bytes"), read("cpuacct", "cpuacct.usage"), read("pids", "pids.current")
        )

    async def kill(self, path: str, timeout_s: float = 10.0) -> None:
        """Kill every process in the cgroup and below, and wait until it is empty. Raises TimedOut."""
        try:
            async with asyncio.timeout(timeout_s):
                while remaining := self.pids(path):
                    self._kill_once(path, remaining)
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise errors.TimedOut(f"cgroup {path} still has processes {sorted(self.pids(path))}") from None

    def _kill_once(self, path: str, remaining: Iterable[int]) -> None:
        if self.version is Version.V2:
            file = self.directories(path)[0] / "cgroup.kill"
            if file.exists():
                file.write_text("1")
                return
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def delete(self, path: str) -> None:
        """Remove the cgroup and everything below it; it must be empty of processes. Raises OSError (EBUSY)."""
        for directory in self.directories(path):
            if not directory.is_dir():
                continue
            for name, _, _ in os.walk(directory, topdown=False):
                with contextlib.suppress(FileNotFoundError):
                    Path(name).rmdir()


def _number(file: Path) -> int:
    try:
        text = file.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0


def _key(file: Path, key: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key + " ")), 0)


def enable_controllers(directory: Path) -> None:
    """Let children of a v2 cgroup use every controller it has. One that cannot be enabled is left out."""
    available = (directory / "cgroup.controllers").read_text().split()
    enabled = (directory / "cgroup.subtree_control").read_text().split()
    for name in available:
        if name in enabled or name not in _V2_CONTROLLERS:
            continue
        try:
            (directory / "cgroup.subtree_control").write_text(f"+{name}")
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP):
                raise


def tree(root: Path = ROOT, mounts: Iterable[mount.Mount] | None = None) -> Tree:
    """Find the hierarchies mounted at or below `root`. Raises Unsupported when there is none."""
    found: dict[str, Path] = {}
    for entry in mount.table() if mounts is None else mounts:
        target = Path(entry.target)
        if not target.is_relative_to(root):
            continue
        if entry.fs_type == "cgroup2" and target == root:
            return Tree(Version.V2, {"": root})
        if entry.fs_type == "cgroup":
            names = [option for option in entry.super_options if option not in ("rw", "ro", "xattr", "clone_children")]
            for name in names:
                if not name.startswith(("release_agent=",)):
                    found.setdefault(name, target)
    if not found:
        raise errors.Unsupported(f"no cgroup hierarchy is mounted at {root}")
    return Tree(Version.V1, found)


def of_process(pid: int | str = "self", proc: Path = Path("/proc")) -> dict[str, str]:
    """Return /proc/<pid>/cgroup: controller (`` for v2) -> path as the caller's cgroup namespace shows it."""
    result: dict[str, str] = {}
    for line in (proc / str(pid) / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            result[controller] = path
    return result
