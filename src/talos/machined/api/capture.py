"""PacketCapture of machine.MachineService: packets of one interface as a pcap file that has no end.

The connection that carries the capture passes the same interface as what is captured; clients filter it out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import ClassVar

from talos.linux import packet
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc

_log = logging.getLogger("api")
DEFAULT_INTERFACE = "eth0"
_CHUNK_BYTES = 64 << 10
_FLUSH_S = 0.1


class Capture(Handlers):
    """PacketCapture."""

    service: ClassVar[str] = "machine.MachineService"

    async def packet_capture(
        self, request: machine_pb2.PacketCaptureRequest, call: rpc.Call
    ) -> AsyncIterator[common_pb2.Data]:
        """Send the file's header, then packets until the caller has enough. Raises NotFound, Invalid."""
        program = [packet.Instruction(i.op, i.jt, i.jf, i.k) for i in request.bpf_filter]
        capture = packet.Capture(
            request.interface or DEFAULT_INTERFACE,
            promiscuous=request.promiscuous,
            snap_bytes=request.snap_len,
            program=program,
        )
        try:
            yield common_pb2.Data(bytes=packet.file_header(capture.link_type, capture.snap_bytes))
            async for chunk in _chunks(capture):
                yield common_pb2.Data(bytes=chunk)
        finally:
            seen, lost = capture.statistics()
            _log.info("captured %d packets of %s, %d were lost", seen, request.interface or DEFAULT_INTERFACE, lost)
            capture.close()


async def _chunks(capture: packet.Capture) -> AsyncIterator[bytes]:
    """Records together as they come in quick succession, at most `_CHUNK_BYTES` or `_FLUSH_S` late."""
    packets = aiter(capture.packets())
    loop = asyncio.get_running_loop()
    upcoming = asyncio.ensure_future(anext(packets))
    try:
        while True:
            chunk = bytearray(packet.record(*await upcoming))
            until = loop.time() + _FLUSH_S
            upcoming = asyncio.ensure_future(anext(packets))
            while len(chunk) < _CHUNK_BYTES:
                done, _ = await asyncio.wait({upcoming}, timeout=max(until - loop.time(), 0))
                if not done:
                    break
                chunk += packet.record(*upcoming.result())
                upcoming = asyncio.ensure_future(anext(packets))
            yield bytes(chunk)
    finally:
        upcoming.cancel()
        await asyncio.wait({upcoming})
