"""The kernel's log, sent as lines of JSON to every destination."""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import Any

from talos.base import errors, tasks
from talos.cosi import controller
from talos.linux import kmsg
from talos.machined.controllers.runtime import _delivery
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus
from talos.machinery.resources.runtime.kmsg_log_config import KMSG_LOG_CONFIG_ID, KmsgLogConfig

_LEVELS = {"debug": "debug", "info": "info", "notice": "info", "warning": "warn", "err": "error"}


def entry(record: kmsg.Record, boot: float) -> dict[str, Any]:
    """A record as it is sent; `boot`: UNIX time of the boot."""
    at = datetime.datetime.fromtimestamp(boot + record.time_us / 1e6, datetime.UTC)
    return {
        "clock": record.time_us,
        "facility": record.facility,
        "msg": record.message,
        "priority": record.priority,
        "seq": record.sequence,
        "talos-level": _LEVELS.get(record.priority, "fatal"),
        "talos-time": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }


class KmsgLogDeliveryController(controller.Controller):
    """Reads /dev/kmsg from its beginning once there is a destination and the network is up."""

    inputs = (
        controller.weak(KmsgLogConfig, id=KMSG_LOG_CONFIG_ID),
        controller.weak(NetworkStatus, id=STATUS_ID),
    )

    def __init__(self) -> None:
        self._destinations: tuple[str, ...] = ()
        self._owner: tasks.Owner | None = None

    async def run(self, r: controller.Handle) -> None:
        """As usual; delivery ends with the controller."""
        try:
            await super().run(r)
        finally:
            await self._stop()

    async def reconcile(self, r: controller.Handle) -> None:
        """Begin anew when the destinations change."""
        found = await r.find(KmsgLogConfig, KMSG_LOG_CONFIG_ID)
        wanted = found.spec.destinations if found is not None else ()
        if wanted == self._destinations:
            return
        await self._stop()
        network = await r.find(NetworkStatus, STATUS_ID)
        if wanted and (network is None or not network.spec.address_ready):
            raise errors.NotReady("the network is not up")
        if wanted:
            reader = kmsg.Reader()
            owner = self._owner = tasks.Owner("kernel log delivery", r.log)
            senders = [_delivery.Sender(url, r.log) for url in wanted]
            for sender in senders:
                owner.spawn(sender.run(), sender.url)
            owner.spawn(_follow(reader, senders), "reader")
        self._destinations = wanted

    async def _stop(self) -> None:
        self._destinations = ()
        if self._owner is not None:
            await self._owner.close()
            self._owner = None


async def _follow(reader: kmsg.Reader, senders: list[_delivery.Sender]) -> None:
    loop, boot = asyncio.get_running_loop(), time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    arrived = asyncio.Event()
    loop.add_reader(reader.fd, arrived.set)
    try:
        while True:
            record = reader.read()
            if record is None:
                arrived.clear()
                await arrived.wait()
                continue
            line = entry(record, boot)
            for sender in senders:
                sender.put(line)
            # A full kernel log must not keep the senders from running.
            await asyncio.sleep(0)
    finally:
        loop.remove_reader(reader.fd)
        reader.close()
