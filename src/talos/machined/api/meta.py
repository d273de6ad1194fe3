"""MetaWrite and MetaDelete of machine.MachineService."""

from __future__ import annotations

from typing import ClassVar

from talos.base import errors
from talos.machined import meta, modes
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc


class MetaValues(Handlers):
    """Values are on the disk when the call returns."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, mode: modes.Mode, values: meta.Meta) -> None:
        self._mode, self._meta = mode, values

    async def meta_write(self, request: machine_pb2.MetaWriteRequest, call: rpc.Call) -> machine_pb2.MetaWriteResponse:
        """Set a value. Raises Invalid for a key that is no byte, or when META is full."""
        await self._change(request.key, request.value)
        return machine_pb2.MetaWriteResponse(messages=[machine_pb2.MetaWrite()])

    async def meta_delete(
        self, request: machine_pb2.MetaDeleteRequest, call: rpc.Call
    ) -> machine_pb2.MetaDeleteResponse:
        """Delete a value. Raises NotFound when there is none."""
        await self._change(request.key, None)
        return machine_pb2.MetaDeleteResponse(messages=[machine_pb2.MetaDelete()])

    async def _change(self, key: int, value: bytes | None) -> None:
        if self._mode is modes.Mode.CONTAINER:
            raise errors.Unsupported(f"method is not supported in {self._mode.label} mode: there is no META partition")
        if not 0 < key < 256:
            raise errors.Invalid(f"META key {key} is not between 1 and 255")
        await self._meta.change(key, value)
