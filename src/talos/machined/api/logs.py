"""Logs of machine.MachineService: services from the rings, containers of pods from the files kubelet names.

A container's log file is rotated by kubelet (renamed, a new one begun); a follower goes on with the new one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.base import errors
from talos.base.constants import versions
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc
from talos.supervisor import logs
from talos.supervisor.cri import client as cri

CHUNK_BYTES = 32 * 1024
POLL_S = 0.2
LOG_ROOTS = (Path("/var/log/pods"), Path("/var/log/containers"))


def tail_offset(fd: int, lines: int) -> int:
    """Return where the last `lines` lines of a file begin; 0 when negative."""
    if lines < 0:
        return 0
    end = os.fstat(fd).st_size
    position, missing = end, lines
    while position > 0 and missing >= 0:
        size = min(CHUNK_BYTES, position)
        position -= size
        block = os.pread(fd, size, position)
        # The line feed at the very end closes the last line.
        cut = len(block) - (1 if position + size == end and block.endswith(b"\n") else 0)
        if lines == 0:
            return end
        while (cut := block.rfind(b"\n", 0, cut)) >= 0:
            missing -= 1
            if missing == 0:
                return position + cut + 1
    return 0


async def read_file(path: Path, *, tail_lines: int, follow: bool) -> AsyncIterator[bytes]:
    """Yield a log file from so many lines before its end; with `follow` go on, also over a rotation."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.lseek(fd, tail_offset(fd, tail_lines), os.SEEK_SET)
        while True:
            data = os.read(fd, CHUNK_BYTES)
            if data:
                yield data
                continue
            if not follow:
                return
            await asyncio.sleep(POLL_S)
            try:
                rotated = path.stat().st_ino != os.fstat(fd).st_ino
            except FileNotFoundError:
                rotated = False
            if rotated and os.fstat(fd).st_size == os.lseek(fd, 0, os.SEEK_CUR):
                os.close(fd)
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(fd)


class Logs(Handlers):
    """Logs and LogsContainers."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, store: logs.LogStore, pods: cri.Client) -> None:
        self._store, self._pods = store, pods

    async def logs(self, request: machine_pb2.LogsRequest, call: rpc.Call) -> AsyncIterator[common_pb2.Data]:
        """Bytes of one log, split at 32 KiB."""
        of_pods = request.namespace == versions.CONTAINERD_NAMESPACE_K8S and request.id != "kubelet"
        if of_pods:
            path = await self._log_path(request.id)
            parts = read_file(path, tail_lines=request.tail_lines, follow=request.follow)
        else:
            parts = self._store.read(request.id, tail_lines=request.tail_lines, follow=request.follow)
        async for part in parts:
            for offset in range(0, len(part), CHUNK_BYTES):
                yield common_pb2.Data(bytes=part[offset : offset + CHUNK_BYTES])

    async def _log_path(self, id: str) -> Path:
        """Find the file of a container named as the API names containers. Raises NotFound."""
        for container in await self._pods.containers():
            if container.display_id == id and container.log_path:
                path = Path(os.path.normpath(container.log_path))
                if any(path.is_relative_to(root) for root in LOG_ROOTS):
                    return path
        raise errors.NotFound(f"container {id!r} has no log here")

    async def logs_containers(self, request: empty_pb2.Empty, call: rpc.Call) -> machine_pb2.LogsContainersResponse:
        """Ids of all logs with a ring."""
        return machine_pb2.LogsContainersResponse(messages=[machine_pb2.LogsContainer(ids=self._store.ids())])
