"""Controllers that follow the kernel's network configuration: woken by its announcements, never by a clock."""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar

from talos.cosi import controller
from talos.linux import netlink

SETTLE_S = 0.02
"""How long to gather announcements: bringing up a pod's link makes a dozen of them."""


class Observer(controller.Controller):
    """Reconciles when an input changes and when the kernel announces a change in one of `groups`.

    `namespace` is the network namespace to look at, None for the process's own.
    """

    groups: ClassVar[tuple[int, ...]] = ()

    def __init__(self, namespace: netlink.Namespace | None = None) -> None:
        self.namespace = namespace

    async def run(self, r: controller.Handle) -> None:
        """Subscribe first, then look: nothing is missed in between."""
        with netlink.Monitor(self.groups, self.namespace) as monitor:
            waker = asyncio.create_task(self._wake(r, monitor), name=f"{self.name} monitor")
            try:
                await super().run(r)
            finally:
                waker.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await waker

    async def _wake(self, r: controller.Handle, monitor: netlink.Monitor) -> None:
        async for _ in monitor:
            r.wake()
            await asyncio.sleep(SETTLE_S)

    def connect(self) -> netlink.Route:
        """A client for the time of one reconcile."""
        return netlink.Route(self.namespace)
