"""The kernel's log as the service log `kernel`."""

from __future__ import annotations

import asyncio
import datetime
import time

from talos.cosi import controller
from talos.linux import kmsg
from talos.supervisor import logs

LOG_ID = "kernel"
RETRY_S = 60.0


def line(record: kmsg.Record, boot: float) -> bytes:
    """Return a record as a line: facility, priority, wall clock time (`boot`: UNIX time of the boot), text."""
    at = datetime.datetime.fromtimestamp(boot + record.time_us / 1e6, datetime.UTC)
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return f"{record.facility}: {record.priority:>7}: [{stamp}]: {record.message}\n".encode()


class KmsgLogStorageController(controller.Controller):
    """Follows /dev/kmsg; a node that may not read it has no kernel log."""

    def __init__(self, store: logs.LogStore) -> None:
        self._store = store

    async def run(self, r: controller.Handle) -> None:
        """Read what is there, then whatever comes."""
        while True:
            try:
                reader = kmsg.Reader()
            except OSError as error:
                r.log.debug("%s", error)
                await asyncio.sleep(RETRY_S)
                continue
            try:
                await self._follow(reader)
            finally:
                reader.close()

    async def _follow(self, reader: kmsg.Reader) -> None:
        loop, boot = asyncio.get_running_loop(), time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        while True:
            record = reader.read()
            if record is not None:
                self._store.write(LOG_ID, line(record, boot))
                continue
            ready = loop.create_future()
            loop.add_reader(reader.fd, _wake, ready)
            try:
                await ready
            finally:
                loop.remove_reader(reader.fd)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
