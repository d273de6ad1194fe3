"""Containers and their tasks in containerd: make, start, wait, signal, remove, list.

A *container* is a record (image, specification, snapshot), a *task* the running processes. The shim of a task outlives
containerd and machined; both find it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2

from talos.base import errors
from talos.machinery.rpc import status
from talos.supervisor.containerd import client as clients
from talos.supervisor.containerd._generated.containerd import (
    containers_pb2,
    runc_pb2,
    snapshots_pb2,
    task_types_pb2,
    tasks_pb2,
)

_log = logging.getLogger("containerd.tasks")
_CONTAINERS = containers_pb2.DESCRIPTOR.services_by_name["Containers"]
_TASKS = tasks_pb2.DESCRIPTOR.services_by_name["Tasks"]
_SNAPSHOTS = snapshots_pb2.DESCRIPTOR.services_by_name["Snapshots"]
_SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec"
RUNTIME = "io.containerd.runc.v2"


@dataclass(frozen=True, slots=True)
class Create:
    """What a container record is made of. `snapshot`: the topmost snapshot of the image; `shim_cgroup`: absolute."""

    id: str
    image: str
    snapshot: str
    spec: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    shim_cgroup: str = ""
    runc_root: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container record."""

    id: str
    image: str
    labels: Mapping[str, str]
    created_at: float


@dataclass(frozen=True, slots=True)
class Task:
    """A task. `status` as containerd names it in lower case: created, running, stopped, paused, pausing, unknown."""

    id: str
    pid: int
    status: str
    exit_status: int


class Tasks:
    """Containers of one containerd, in one of its namespaces."""

    def __init__(self, client: clients.Client, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    # --- containers

    async def create(self, what: Create) -> None:
        """Make a writable snapshot and the record; leftovers of an earlier container of this id are removed first."""
        await self.remove(what.id)
        await self._client.call(
            _SNAPSHOTS,
            "Prepare",
            snapshots_pb2.PrepareSnapshotRequest(
                snapshotter=clients.SNAPSHOTTER,
                key=what.id,
                parent=what.snapshot,
                # Until the record refers to it, only this keeps it from being collected.
                labels={"containerd.io/gc.root": "1"},
            ),
            snapshots_pb2.PrepareSnapshotResponse,
            namespace=self.namespace,
        )
        container = containers_pb2.Container(
            id=what.id,
            image=what.image,
            labels=dict(what.labels),
            snapshotter=clients.SNAPSHOTTER,
            snapshot_key=what.id,
        )
        container.runtime.name = RUNTIME
        container.spec.type_url, container.spec.value = _SPEC_TYPE, json.dumps(what.spec).encode()
        await self._client.call(
            _CONTAINERS,
            "Create",
            containers_pb2.CreateContainerRequest(container=container),
            containers_pb2.CreateContainerResponse,
            namespace=self.namespace,
        )

    async def remove(self, id: str, *, grace_s: float = 0) -> None:
        """Remove task, record and snapshot, as far as they exist; a running task is ended first."""
        await self.remove_task(id, grace_s=grace_s)
        with clients.ignore_missing():
            await self._client.call(
                _CONTAINERS,
                "Delete",
                containers_pb2.DeleteContainerRequest(id=id),
                empty_pb2.Empty,
                namespace=self.namespace,
            )
        with clients.ignore_missing():
            await self._client.call(
                _SNAPSHOTS,
                "Remove",
                snapshots_pb2.RemoveSnapshotRequest(snapshotter=clients.SNAPSHOTTER, key=id),
                empty_pb2.Empty,
                namespace=self.namespace,
            )

    async def containers(self) -> list[Container]:
        """Return all container records."""
        answer = await self._client.call(
            _CONTAINERS,
            "List",
            containers_pb2.ListContainersRequest(),
            containers_pb2.ListContainersResponse,
            namespace=self.namespace,
        )
        return [Container(c.id, c.image, dict(c.labels), c.created_at.ToNanoseconds() / 1e9) for c in answer.containers]

    # --- tasks

    async def start(self, id: str, stdio: Path, *, shim_cgroup: str = "") -> int:
        """Make and start the task of a container; returns the pid of its first process. Raises RpcError."""
        mounts = await self._client.call(
            _SNAPSHOTS,
            "Mounts",
            snapshots_pb2.MountsRequest(snapshotter=clients.SNAPSHOTTER, key=id),
            snapshots_pb2.MountsResponse,
            namespace=self.namespace,
        )
        request = tasks_pb2.CreateTaskRequest(
            container_id=id, rootfs=mounts.mounts, stdout=str(stdio), stderr=str(stdio)
        )
        if shim_cgroup:
            options = runc_pb2.Options(shim_cgroup=shim_cgroup)
            request.options.type_url = options.DESCRIPTOR.full_name
            request.options.value = options.SerializeToString()
        made = await self._client.call(
            _TASKS, "Create", request, tasks_pb2.CreateTaskResponse, namespace=self.namespace, timeout_s=60
        )
        try:
            await self._client.call(
                _TASKS,
                "Start",
                tasks_pb2.StartRequest(container_id=id),
                tasks_pb2.StartResponse,
                namespace=self.namespace,
            )
        except status.RpcError:
            await self.remove_task(id)
            raise
        return int(made.pid)

    async def get(self, id: str) -> Task | None:
        """Return the task of a container, None when it has none."""
        try:
            answer = await self._client.call(
                _TASKS,
                "Get",
                tasks_pb2.GetRequest(container_id=id),
                tasks_pb2.GetResponse,
                namespace=self.namespace,
            )
        except status.RpcError as error:
            if clients.is_missing(error):
                return None
            raise
        return _task(answer.process)

    async def tasks(self) -> list[Task]:
        """Return all tasks of the namespace."""
        answer = await self._client.call(
            _TASKS,
            "List",
            tasks_pb2.ListTasksRequest(),
            tasks_pb2.ListTasksResponse,
            namespace=self.namespace,
        )
        return [_task(process) for process in answer.tasks]

    async def pids(self, id: str) -> list[int]:
        """Return every process of a task."""
        answer = await self._client.call(
            _TASKS,
            "ListPids",
            tasks_pb2.ListPidsRequest(container_id=id),
            tasks_pb2.ListPidsResponse,
            namespace=self.namespace,
        )
        return [process.pid for process in answer.processes]

    async def kill(self, id: str, number: int, *, everything: bool = False) -> None:
        """Send a signal to the first process, or to all; a task that has ended is no error."""
        with clients.ignore_missing():
            await self._client.call(
                _TASKS,
                "Kill",
                tasks_pb2.KillRequest(container_id=id, signal=number, all=everything),
                empty_pb2.Empty,
                namespace=self.namespace,
            )

    async def wait(self, id: str) -> int:
        """Return the exit status of the task (128 + signal for a signal) when it has ended. Raises RpcError."""
        answer = await self._client.call(
            _TASKS,
            "Wait",
            tasks_pb2.WaitRequest(container_id=id),
            tasks_pb2.WaitResponse,
            namespace=self.namespace,
            timeout_s=clients.ENDLESS_S,
        )
        return int(answer.exit_status)

    async def remove_task(self, id: str, *, grace_s: float = 0) -> int | None:
        """End the task if it runs (SIGTERM, after `grace_s` SIGKILL) and delete it; returns its exit status."""
        task = await self.get(id)
        if task is None:
            return None
        if task.status not in ("stopped", "unknown"):
            await self._end(id, grace_s)
        try:
            answer = await self._client.call(
                _TASKS,
                "Delete",
                tasks_pb2.DeleteTaskRequest(container_id=id),
                tasks_pb2.DeleteResponse,
                namespace=self.namespace,
            )
        except status.RpcError as error:
            if clients.is_missing(error):
                return None
            raise
        return int(answer.exit_status)

    async def _end(self, id: str, grace_s: float) -> None:
        waiting = asyncio.ensure_future(self.wait(id))
        try:
            if grace_s > 0:
                await self.kill(id, signal.SIGTERM)
                done, _ = await asyncio.wait([waiting], timeout=grace_s)
                if done:
                    waiting.result()
                    return
            await self.kill(id, signal.SIGKILL, everything=True)
            done, _ = await asyncio.wait([waiting], timeout=10)
            if not done:
                raise errors.TimedOut(f"container {id} does not end")
            waiting.result()
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await waiting


def _task(process: task_types_pb2.Process) -> Task:
    name = task_types_pb2.Status.Name(process.status).lower()
    return Task(process.id, process.pid, name, process.exit_status)
