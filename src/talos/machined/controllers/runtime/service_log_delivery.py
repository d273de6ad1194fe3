"""The logs of services, sent as lines of JSON to the destinations of `machine.logging`.

The level and time of a line are those it states itself, where it is one of the common forms; else the level is info and
the time that of its arrival. Each log is followed from its beginning: the rings hold what came before there was a
destination.
"""

from __future__ import annotations

import asyncio
import datetime
import re
from typing import Any

from talos.base import tasks
from talos.cosi import controller
from talos.machined.controllers import _delivering
from talos.machined.controllers.runtime import _delivery, kmsg_log_storage
from talos.machinery.config import container
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.supervisor import logs

NEW_LOGS_S = 2.0
_LEVELS = {"dbg": "debug", "inf": "info", "notice": "info", "warning": "warn", "wrn": "warn", "err": "error"}
_KNOWN = frozenset({"trace", "debug", "info", "warn", "error", "fatal", "panic"})
_STATED = re.compile(
    r'"(?:level|lvl)":\s*"(?P<json>[A-Za-z]+)"|\blevel=(?P<pair>[A-Za-z]+)|^(?P<klog>[IWEF])\d{4} \d\d:\d\d:'
    r"|\b(?P<word>DEBUG|INFO|WARNING|ERROR|CRITICAL)\b"
)
_KLOG = {"I": "info", "W": "warn", "E": "error", "F": "fatal"}
Destination = tuple[str, tuple[tuple[str, str], ...]]


def level(line: str) -> str:
    """The level a line states, info for one that states none."""
    found = _STATED.search(line[:512])
    if found is None:
        return "info"
    if klog := found["klog"]:
        return _KLOG[klog]
    text = (found["json"] or found["pair"] or found["word"]).lower()
    text = {"critical": "fatal"}.get(_LEVELS.get(text, text), _LEVELS.get(text, text))
    return text if text in _KNOWN else "info"


def entry(service: str, line: str, at: datetime.datetime, tags: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """A line as it is sent."""
    return {
        "msg": line,
        "talos-level": level(line),
        "talos-service": service,
        "talos-time": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        **dict(tags),
    }


def destinations(config: container.Container) -> tuple[Destination, ...]:
    """URL and tags of each destination."""
    machine = config.v1alpha1.machine if config.v1alpha1 is not None else None
    if machine is None or machine.logging is None:
        return ()
    return tuple(
        (one.endpoint, tuple(sorted(one.extra_tags.items()))) for one in machine.logging.destinations if one.endpoint
    )


class ServiceLogDeliveryController(_delivering.Delivering[tuple[Destination, ...]]):
    """Follows every log but the kernel's, which has its own way."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)

    def __init__(self, store: logs.LogStore) -> None:
        super().__init__()
        self._store = store

    async def wanted(self, r: controller.Handle) -> tuple[Destination, ...]:
        """The destinations of the configuration."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        return destinations(active.documents) if active is not None else ()

    def begin(self, owner: tasks.Owner, r: controller.Handle, wanted: tuple[Destination, ...]) -> None:
        """A sender for each destination, and who finds the logs."""
        senders = [(_delivery.Sender(url, r.log), tags) for url, tags in wanted]
        for sender, _ in senders:
            owner.spawn(sender.run(), sender.url)
        owner.spawn(self._logs(owner, senders), "logs")

    async def _logs(
        self, owner: tasks.Owner, senders: list[tuple[_delivery.Sender, tuple[tuple[str, str], ...]]]
    ) -> None:
        followed: set[str] = {kmsg_log_storage.LOG_ID}
        while True:
            for id in set(self._store.ids()) - followed:
                followed.add(id)
                owner.spawn(self._follow(id, senders), id)
            await asyncio.sleep(NEW_LOGS_S)

    async def _follow(self, id: str, senders: list[tuple[_delivery.Sender, tuple[tuple[str, str], ...]]]) -> None:
        rest = b""
        async for data in self._store.read(id, follow=True):
            *lines, rest = (rest + data).split(b"\n")
            at = datetime.datetime.now(datetime.UTC)
            for line in lines:
                text = line.decode(errors="replace")
                for sender, tags in senders if text.strip() else ():
                    sender.put(entry(id, text, at, tags))
