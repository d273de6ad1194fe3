"""EtcdRecover of machine.MachineService: a snapshot of etcd is put on the node, for a bootstrap that begins from it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import state
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.config import views
from talos.machinery.resources.config import machine_config
from talos.machinery.rpc import server as rpc

MAX_BYTES = 16 << 30
"""Twice what etcd takes as the largest quota of a database."""


class EtcdRecover(Handlers):
    """EtcdRecover."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, store: state.State, target: Path = paths.ETCD_RECOVERY_SNAPSHOT) -> None:
        self._store, self._target = store, target
        self._uploading = asyncio.Lock()

    async def etcd_recover(
        self, requests: AsyncIterator[common_pb2.Data], call: rpc.Call
    ) -> machine_pb2.EtcdRecoverResponse:
        """Take the snapshot; it replaces an earlier one when it is whole. Raises NotReady, Conflict, Invalid."""
        config = await state.find(self._store, machine_config.MachineConfig, machine_config.ACTIVE_ID)
        if config is None or not views.machine(config.documents).is_control_plane:
            raise errors.NotReady("a snapshot is recovered on a control plane node")
        if self._uploading.locked():
            raise errors.Conflict("another snapshot is being uploaded")
        async with self._uploading:
            await self._store_snapshot(requests)
        return machine_pb2.EtcdRecoverResponse(messages=[machine_pb2.EtcdRecover()])

    async def _store_snapshot(self, requests: AsyncIterator[common_pb2.Data]) -> None:
        part = self._target.with_name(f"{self._target.name}.part")
        size = 0
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                async for request in requests:
                    size += len(request.bytes)
                    if size > MAX_BYTES:
                        raise errors.Invalid(f"a snapshot has at most {MAX_BYTES} bytes")
                    await asyncio.to_thread(file.write, request.bytes)
                if not size:
                    raise errors.Invalid("the snapshot is empty")
                await asyncio.to_thread(os.fsync, file.fileno())
            part.replace(self._target)
        finally:
            part.unlink(missing_ok=True)
