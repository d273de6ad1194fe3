"""The kernel's log, sent as lines of JSON to every destination."""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import Any

from talos.base import tasks
from talos.cosi import controller
from talos.linux import kmsg
from talos.machined.controllers import _delivering
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


class KmsgLogDeliveryController(_delivering.Delivering[tuple[str, ...]]):
    """Reads /dev/kmsg from its beginning once there is a destination and the network is up."""

    inputs = (
        controller.weak(KmsgLogConfig, id=KMSG_LOG_CONFIG_ID),
        controller.weak(NetworkStatus, id=STATUS_ID),
    )

    async def wanted(self, r: controller.Handle) -> tuple[str, ...]:
        """The destinations, once there is a network."""
        found = await r.find(KmsgLogConfig, KMSG_LOG_CONFIG_ID)
        wanted = found.spec.destinations if found is not None else ()
        if wanted:
            await _delivering.network_up(r)
        return wanted

    def begin(self, owner: tasks.Owner, r: controller.Handle, wanted: tuple[str, ...]) -> None:
        """One reader, and a sender for each destination."""
        reader = kmsg.Reader()
        senders = [_delivery.Sender(url, r.log) for url in wanted]
        for sender in senders:
            owner.spawn(sender.run(), sender.url)
        owner.spawn(_follow(reader, senders), "reader")


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
