"""Pods and their containers through the container runtime interface of containerd.

machined only looks, stops and removes; kubelet is the one that makes. Ids in the machine API are
`namespace/pod` for a sandbox and `namespace/pod:container:<12 digits of its id>` for a container.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from talos.base import errors
from talos.base.constants import paths
from talos.machinery.rpc import channel, method
from talos.supervisor.cri._generated.cri import runtime_pb2

M = TypeVar("M", bound=Message)
_STATES = {
    runtime_pb2.CONTAINER_CREATED: "CONTAINER_CREATED",
    runtime_pb2.CONTAINER_RUNNING: "CONTAINER_RUNNING",
    runtime_pb2.CONTAINER_EXITED: "CONTAINER_EXITED",
    runtime_pb2.CONTAINER_UNKNOWN: "CONTAINER_UNKNOWN",
}


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod sandbox."""

    id: str
    namespace: str
    name: str
    uid: str
    ready: bool
    pid: int = 0
    network_namespace: str = ""
    image: str = ""

    @property
    def display_id(self) -> str:
        """Id in the machine API."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod. `log_path` on the node; `status` as CRI names it."""

    id: str
    pod_id: str
    name: str
    image: str
    status: str
    pid: int
    log_path: str
    pod: Pod

    @property
    def display_id(self) -> str:
        """Id in the machine API."""
        return f"{self.pod.display_id}:{self.name}:{self.id[:12]}"


@dataclass(frozen=True, slots=True)
class Stats:
    """Use of resources by a container: bytes, nanoseconds of CPU time."""

    id: str
    memory_bytes: int
    cpu_ns: int


@functools.cache
def _methods(service: str) -> Mapping[str, method.Method]:
    return method.of_service(runtime_pb2.DESCRIPTOR.services_by_name[service])


class Client:
    """Calls the runtime. All methods raise status.RpcError."""

    def __init__(self, path: Path = paths.CONTAINERD_SOCKET) -> None:
        self._path = path
        self._channel: channel.Channel | None = None

    async def _call(
        self,
        name: str,
        request: Message,
        response: type[M],
        *,
        service: str = "RuntimeService",
        timeout_s: float = 30.0,
    ) -> M:
        if self._channel is None:
            self._channel = channel.Channel.unix(self._path)
        described = _methods(service)[name]
        assert described.response.DESCRIPTOR is response.DESCRIPTOR
        return cast("M", await self._channel.unary(described, request, timeout_s=timeout_s))

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    async def ready(self) -> None:
        """Return when the runtime says it is ready; the network may still be missing. Raises NotReady."""
        answer = await self._call("Status", runtime_pb2.StatusRequest(), runtime_pb2.StatusResponse, timeout_s=5)
        for condition in answer.status.conditions:
            if condition.type == "RuntimeReady" and not condition.status:
                raise errors.NotReady(condition.message or condition.reason or "container runtime is not ready")

    async def pods(self, *, detail: bool = False) -> list[Pod]:
        """Return all sandboxes; with `detail` also pid and network namespace (one call each)."""
        answer = await self._call(
            "ListPodSandbox", runtime_pb2.ListPodSandboxRequest(), runtime_pb2.ListPodSandboxResponse
        )
        pods = [
            Pod(
                item.id,
                item.metadata.namespace,
                item.metadata.name,
                item.metadata.uid,
                item.state == runtime_pb2.SANDBOX_READY,
            )
            for item in answer.items
        ]
        return list(await asyncio.gather(*(self._pod_detail(pod) for pod in pods))) if detail else pods

    async def _pod_detail(self, pod: Pod) -> Pod:
        request = runtime_pb2.PodSandboxStatusRequest(pod_sandbox_id=pod.id, verbose=True)
        answer = await self._call("PodSandboxStatus", request, runtime_pb2.PodSandboxStatusResponse)
        info = _info(answer.info)
        spaces = ((info.get("runtimeSpec") or {}).get("linux") or {}).get("namespaces") or []
        network = next((space.get("path", "") for space in spaces if space.get("type") == "network"), "")
        return Pod(
            pod.id,
            pod.namespace,
            pod.name,
            pod.uid,
            pod.ready,
            int(info.get("pid") or 0),
            Path(network).name,
            str(info.get("image") or ""),
        )

    async def containers(self, *, detail: bool = True) -> list[Container]:
        """Return all containers with their pods; with `detail` also pid and log path (one call each)."""
        pods = {pod.id: pod for pod in await self.pods()}
        answer = await self._call(
            "ListContainers", runtime_pb2.ListContainersRequest(), runtime_pb2.ListContainersResponse
        )
        found = [
            Container(
                item.id,
                item.pod_sandbox_id,
                item.metadata.name,
                item.image.user_specified_image or item.image.image,
                _STATES.get(item.state, "CONTAINER_UNKNOWN"),
                0,
                "",
                pods[item.pod_sandbox_id],
            )
            for item in answer.containers
            if item.pod_sandbox_id in pods
        ]
        return list(await asyncio.gather(*(self._container_detail(c) for c in found))) if detail else found

    async def _container_detail(self, container: Container) -> Container:
        request = runtime_pb2.ContainerStatusRequest(container_id=container.id, verbose=True)
        answer = await self._call("ContainerStatus", request, runtime_pb2.ContainerStatusResponse)
        return Container(
            container.id,
            container.pod_id,
            container.name,
            container.image,
            container.status,
            int(_info(answer.info).get("pid") or 0),
            answer.status.log_path,
            container.pod,
        )

    async def stats(self) -> list[Stats]:
        """Return the use of resources of all running containers."""
        answer = await self._call(
            "ListContainerStats", runtime_pb2.ListContainerStatsRequest(), runtime_pb2.ListContainerStatsResponse
        )
        return [
            Stats(
                one.attributes.id,
                one.memory.working_set_bytes.value or one.memory.usage_bytes.value,
                one.cpu.usage_core_nano_seconds.value,
            )
            for one in answer.stats
        ]

    async def stop_pods(self, *, remove: bool, timeout_s: float) -> None:
        """Stop (and remove) every pod at once. Raises Temporary naming the first failure, TimeoutError."""
        pods = await self.pods()
        async with asyncio.timeout(timeout_s):
            results = await asyncio.gather(
                *(self._stop_pod(pod, remove, timeout_s) for pod in pods), return_exceptions=True
            )
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed:
            raise errors.Temporary(f"{len(failed)} of {len(pods)} pods could not be stopped: {failed[0]}")

    async def _stop_pod(self, pod: Pod, remove: bool, timeout_s: float) -> None:
        await self._call(
            "StopPodSandbox",
            runtime_pb2.StopPodSandboxRequest(pod_sandbox_id=pod.id),
            runtime_pb2.StopPodSandboxResponse,
            timeout_s=timeout_s,
        )
        if remove:
            await self._call(
                "RemovePodSandbox",
                runtime_pb2.RemovePodSandboxRequest(pod_sandbox_id=pod.id),
                runtime_pb2.RemovePodSandboxResponse,
                timeout_s=timeout_s,
            )


def _info(info: Mapping[str, str]) -> dict[str, Any]:
    try:
        parsed = json.loads(info.get("info", "") or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
