"""Services that are containers of containerd: etcd, kubelet, extensions.

The container outlives machined (its shim is no child of ours) and containerd (the shim waits for it to come back). Its
end is seen through a pidfd of its first process, so that a restart of containerd is not mistaken for it; the exit code
is asked from containerd afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.base.constants import versions
from talos.linux import caps, pidfd
from talos.linux import cgroup as cgroups
from talos.machinery.rpc import status
from talos.supervisor.containerd import client as clients
from talos.supervisor.containerd import images, spec, tasks
from talos.supervisor.runner import Adopter, Ended, Exit, Instance, Runner

_log = logging.getLogger("supervisor.container")
KIND = "container"
_LIMITS = {"RLIMIT_NOFILE": resource.RLIMIT_NOFILE, "RLIMIT_NPROC": resource.RLIMIT_NPROC}


def host() -> spec.Host:
    """Return what this machine allows its containers."""
    mine = caps.effective()
    free = "CAP_SYS_RESOURCE" in mine
    return spec.Host(
        bounding=caps.bounding(),
        may_lower_oom_score=free,
        oom_score_adj=int(Path("/proc/self/oom_score_adj").read_text()),
        hard_limits={} if free else {name: resource.getrlimit(kind)[1] for name, kind in _LIMITS.items()},
    )


@dataclass(frozen=True, slots=True)
class Container(Runner):
    """Run a container from an image that is in containerd, or can be pulled.

    `limits` are set on the container's cgroup before it starts; `options.cgroup` names it.
    """

    client: clients.Client
    id: str
    image: str
    options: spec.Options
    namespace: str = versions.CONTAINERD_NAMESPACE_SYSTEM
    limits: cgroups.Limits | None = None
    shim_cgroup: str = "/podruntime/shim"
    labels: Mapping[str, str] = field(default_factory=dict)
    kind = KIND

    async def start(self, service: str, stdio: Path) -> Instance:
        """Make cgroup, snapshot, container and task. Raises RpcError, OSError, NotFound."""
        store = images.Images(self.client)
        await store.ensure(self.image, self.namespace)
        config, snapshot = await store.config(self.image, self.namespace)
        if self.options.cgroup:
            cgroups.tree().create(self.options.cgroup, self.limits)
        for mount in self.options.mounts:
            if mount.type == "bind" and not os.path.lexists(mount.source):
                Path(mount.source).mkdir(parents=True, exist_ok=True)
        made = tasks.Tasks(self.client, self.namespace)
        document = spec.build(config, self.options, host())
        await made.create(tasks.Create(self.id, self.image, snapshot, document, self.labels))
        pid = await made.start(self.id, stdio, shim_cgroup=self.shim_cgroup)
        try:
            handle, started = pidfd.Handle(pid), pidfd.start_time(pid)
        except OSError:
            return Ended(f"container {self.id} with PID {pid}", Exit(await made.remove_task(self.id)))
        return ContainerInstance(made, service, self.id, handle, started)


class ContainerInstance(Instance):
    """A container with a running task, ours or adopted."""

    def __init__(self, made: tasks.Tasks, service: str, id: str, handle: pidfd.Handle, started: int) -> None:
        self._tasks, self._service, self._id = made, service, id
        self._handle, self._started = handle, started
        self._exit: Exit | None = None

    @property
    def description(self) -> str:
        """Container id and pid."""
        return f"container {self._id} with PID {self._handle.pid}"

    async def wait(self) -> Exit:
        """Return after the end of the first process."""
        await self._handle.wait_end()
        if self._exit is None:
            self._exit = Exit(await self._exit_status())
            self._handle.close()
        return self._exit

    async def _exit_status(self) -> int | None:
        try:
            async with asyncio.timeout(5):
                return await self._tasks.remove_task(self._id)
        except (TimeoutError, errors.TalosError, status.RpcError, OSError) as error:
            # containerd is away; the leftovers are removed before the next start.
            _log.info("container %s: exit status is not known: %s", self._id, error)
            return None

    async def stop(self, grace_s: float) -> Exit:
        """SIGTERM to the first process, SIGKILL after `grace_s`; task, record and snapshot are removed."""
        code: int | None = None
        try:
            async with asyncio.timeout(grace_s + 15):
                code = await self._tasks.remove_task(self._id, grace_s=grace_s)
                await self._tasks.remove(self._id)
        except (TimeoutError, errors.TalosError, status.RpcError, OSError) as error:
            _log.warning("container %s is ended without containerd: %s", self._id, error)
            self._handle.signal(signal.SIGKILL)
        if self._exit is None:
            await self._handle.wait_end()
            self._handle.close()
            self._exit = Exit(code)
        return self._exit

    def record(self) -> Mapping[str, Any]:
        """Everything the next machined needs."""
        return {
            "kind": KIND,
            "namespace": self._tasks.namespace,
            "id": self._id,
            "pid": self._handle.pid,
            "started": self._started,
        }

    def pids(self) -> frozenset[int]:
        """The first process."""
        return frozenset({self._handle.pid})


class ContainerAdopter(Adopter):
    """Takes containers over by the pid and start time of their first process; containerd need not be up yet."""

    kind = KIND

    def __init__(self, client: clients.Client) -> None:
        self._client = client

    async def adopt(self, service: str, record: Mapping[str, Any]) -> Instance | None:
        """Return the container if its first process still runs."""
        pid, started = record.get("pid"), record.get("started")
        id, namespace = record.get("id"), record.get("namespace")
        if not isinstance(pid, int) or not isinstance(started, int) or not isinstance(id, str):
            return None
        handle = pidfd.Handle.find(pid, started)
        if handle is None:
            return None
        return ContainerInstance(tasks.Tasks(self._client, str(namespace)), service, id, handle, started)
