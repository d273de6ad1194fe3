"""Dmesg of machine.MachineService: the kernel log as text lines, oldest first, optionally followed."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import AsyncIterator
from typing import ClassVar

from talos.linux import kmsg
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import server as rpc


def format_record(record: kmsg.Record, boot_time_s: float) -> str:
    """One line: facility, priority, wall-clock time in UTC, message. `boot_time_s` is Unix seconds of boot."""
    moment = datetime.datetime.fromtimestamp(boot_time_s + record.time_us / 1e6, datetime.UTC)
    stamp = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return f"{record.facility}: {record.priority:>7}: [{stamp}]: {record.message}"


class Dmesg(Handlers):
    """Dmesg."""

    service: ClassVar[str] = "machine.MachineService"

    async def dmesg(self, request: machine_pb2.DmesgRequest, call: rpc.Call) -> AsyncIterator[common_pb2.Data]:
        """Stream the log; with `follow` until the client leaves, with `tail` only what is new."""
        reader = kmsg.Reader(tail=request.tail)
        boot_time_s = time.time() - time.monotonic()
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        try:
            loop.add_reader(reader.fd, readable.set)
            while True:
                readable.clear()
                while (record := reader.read()) is not None:
                    yield common_pb2.Data(bytes=format_record(record, boot_time_s).encode())
                if not request.follow:
                    return
                await readable.wait()
        finally:
            loop.remove_reader(reader.fd)
            reader.close()
