"""Containers, Stats and Restart of machine.MachineService.

System containers (etcd, kubelet) are asked of containerd, those of Kubernetes of its CRI face, which knows pods. Ids of
Kubernetes containers are `namespace/pod` for a pod's sandbox and `namespace/pod:container:id` for the rest.
"""

from __future__ import annotations

import signal
from typing import ClassVar

from talos.base import errors
from talos.linux import cgroup
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc
from talos.supervisor.containerd import client as containerd
from talos.supervisor.containerd import tasks
from talos.supervisor.cri import client as cri

_POD_READY, _POD_NOT_READY = "SANDBOX_READY", "SANDBOX_NOTREADY"


class Containers(Handlers):
    """Containers, Stats, Restart."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, runtime: containerd.Client, kubernetes: cri.Client) -> None:
        self._containerd = runtime
        self._cri = kubernetes

    async def containers(
        self, request: machine_pb2.ContainersRequest, call: rpc.Call
    ) -> machine_pb2.ContainersResponse:
        """Containers of a namespace."""
        if request.driver == common_pb2.CRI:
            found = await self._kubernetes_containers(request.namespace)
        else:
            found = await self._system_containers(request.namespace)
        return machine_pb2.ContainersResponse(messages=[machine_pb2.Container(containers=found)])

    async def _system_containers(self, namespace: str) -> list[machine_pb2.ContainerInfo]:
        asked = tasks.Tasks(self._containerd, namespace)
        running = {t.id: t for t in await asked.tasks()}
        infos = []
        for container in await asked.containers():
            task = running.get(container.id)
            infos.append(
                machine_pb2.ContainerInfo(
                    namespace=namespace,
                    id=container.id,
                    internal_id=container.id,
                    pod_id=container.id,
                    name=container.id,
                    image=container.image,
                    pid=task.pid if task else 0,
                    status=task.status.upper() if task else "STOPPED",
                )
            )
        return infos

    async def _kubernetes_containers(self, namespace: str) -> list[machine_pb2.ContainerInfo]:
        infos = [
            machine_pb2.ContainerInfo(
                namespace=namespace,
                id=pod.display_id,
                uid=pod.uid,
                internal_id=pod.id,
                pod_id=pod.display_id,
                name=pod.name,
                image=pod.image,
                pid=pod.pid,
                status=_POD_READY if pod.ready else _POD_NOT_READY,
                network_namespace=pod.network_namespace,
            )
            for pod in await self._cri.pods(detail=True)
        ]
        infos += [
            machine_pb2.ContainerInfo(
                namespace=namespace,
                id=container.display_id,
                uid=container.pod.uid,
                internal_id=container.id,
                pod_id=container.pod.display_id,
                name=container.name,
                image=container.image,
                pid=container.pid,
                status=container.status,
            )
            for container in await self._cri.containers()
        ]
        return infos

    async def stats(self, request: machine_pb2.StatsRequest, call: rpc.Call) -> machine_pb2.StatsResponse:
        """Memory in bytes and CPU time in nanoseconds of the running containers."""
        if request.driver == common_pb2.CRI:
            found = await self._kubernetes_stats(request.namespace)
        else:
            found = await self._system_stats(request.namespace)
        return machine_pb2.StatsResponse(messages=[machine_pb2.Stats(stats=found)])

    async def _system_stats(self, namespace: str) -> list[machine_pb2.Stat]:
        tree = cgroup.tree()
        found = []
        for task in await tasks.Tasks(self._containerd, namespace).tasks():
            try:
                groups = cgroup.of_process(task.pid)
            except OSError:
                # The task ended since it was listed.
                continue
            usage = tree.usage(groups.get("memory") or groups.get("", "/"))
            found.append(
                machine_pb2.Stat(
                    namespace=namespace,
                    id=task.id,
                    pod_id=task.id,
                    name=task.id,
                    memory_usage=usage.memory_bytes,
                    cpu_usage=usage.cpu_ns,
                )
            )
        return found

    async def _kubernetes_stats(self, namespace: str) -> list[machine_pb2.Stat]:
        named = {c.id: c for c in await self._cri.containers(detail=False)}
        return [
            machine_pb2.Stat(
                namespace=namespace,
                id=named[s.id].display_id,
                pod_id=named[s.id].pod.display_id,
                name=named[s.id].name,
                memory_usage=s.memory_bytes,
                cpu_usage=s.cpu_ns,
            )
            for s in await self._cri.stats()
            if s.id in named
        ]

    async def restart(self, request: machine_pb2.RestartRequest, call: rpc.Call) -> machine_pb2.RestartResponse:
        """End a container; whoever looks after it (supervisor, kubelet) starts it again. Raises NotFound."""
        if request.driver == common_pb2.CRI:
            matched = [c for c in await self._cri.containers() if request.id in (c.display_id, c.id)]
            if not matched:
                raise errors.NotFound(f"container {request.id!r} not found")
            namespace, id = "k8s.io", matched[0].id
        else:
            namespace, id = request.namespace or "system", request.id
            if await tasks.Tasks(self._containerd, namespace).get(id) is None:
                raise errors.NotFound(f"container {request.id!r} not found")
        await tasks.Tasks(self._containerd, namespace).kill(id, signal.SIGTERM)
        return machine_pb2.RestartResponse(messages=[machine_pb2.Restart()])
