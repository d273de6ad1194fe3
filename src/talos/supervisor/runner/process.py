"""Services that are processes of their own: apid, trustd, containerd.

They are children of machined but not tied to it: a session of their own, a FIFO for output that never breaks, and a
record of pid and start time by which the next machined takes them over.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talos.linux import cgroup as cgroups
from talos.linux import pidfd
from talos.linux import process as processes
from talos.supervisor.runner import Adopter, Exit, Instance, Runner

_log = logging.getLogger("supervisor.process")
KIND = "process"


@dataclass(frozen=True, slots=True)
class Process(Runner):
    """Run a program. `capabilities`: names to keep (None: all); `cgroup`: path below the node's root cgroup."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    uid: int = 0
    gid: int = 0
    groups: Sequence[int] = ()
    capabilities: frozenset[str] | None = None
    no_new_privileges: bool = False
    oom_score_adj: int | None = None
    cgroup: str | None = None
    limits: cgroups.Limits | None = None
    rlimits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    cwd: str = "/"
    umask: int = 0o022
    kind = KIND

    async def start(self, service: str, stdio: Path) -> Instance:
        """Make the cgroup, fork and exec. Raises OSError naming the step that failed."""
        procs_files: Sequence[Path] = ()
        if self.cgroup is not None:
            tree = cgroups.tree()
            tree.create(self.cgroup, self.limits)
            procs_files = tree.procs_files(self.cgroup)
        child = processes.spawn(
            processes.Spawn(
                argv=self.argv,
                env=self.env,
                uid=self.uid,
                gid=self.gid,
                groups=self.groups,
                capabilities=self.capabilities,
                no_new_privileges=self.no_new_privileges,
                oom_score_adj=self.oom_score_adj,
                cgroup_files=procs_files,
                rlimits=self.rlimits,
                stdio=stdio,
                cwd=self.cwd,
                umask=self.umask,
            )
        )
        return ProcessInstance(service, child.handle, child.started)


class ProcessInstance(Instance):
    """A process, ours or adopted."""

    def __init__(self, service: str, handle: pidfd.Handle, started: int) -> None:
        self._service, self._handle, self._started = service, handle, started
        self._exit: Exit | None = None

    @property
    def description(self) -> str:
        """Name and pid."""
        return f"process {self._service} with PID {self._handle.pid}"

    async def wait(self) -> Exit:
        """Return after the end of the process."""
        await self._handle.wait_end()
        if self._exit is None:
            code, number = self._handle.reap()
            self._exit = Exit(code, number)
            self._handle.close()
        return self._exit

    async def stop(self, grace_s: float) -> Exit:
        """SIGTERM, and SIGKILL after `grace_s`."""
        if grace_s > 0 and self._exit is None:
            self._handle.signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(grace_s):
                    return await self.wait()
            except TimeoutError:
                _log.warning("%s ignored SIGTERM for %g s", self.description, grace_s)
        if self._exit is None:
            self._handle.signal(signal.SIGKILL)
        return await self.wait()

    def record(self) -> Mapping[str, Any]:
        """Pid and start time."""
        return {"kind": KIND, "pid": self._handle.pid, "started": self._started}

    def pids(self) -> frozenset[int]:
        """The process itself; its children are not asked for."""
        return frozenset({self._handle.pid})


class ProcessAdopter(Adopter):
    """Takes processes over by pid and start time."""

    kind = KIND

    async def adopt(self, service: str, record: Mapping[str, Any]) -> Instance | None:
        """Return the process if pid and start time still match."""
        pid, started = record.get("pid"), record.get("started")
        if not isinstance(pid, int) or not isinstance(started, int):
            return None
        handle = pidfd.Handle.find(pid, started)
        return None if handle is None else ProcessInstance(service, handle, started)
