"""Controllers that keep something going towards a destination: events, logs. It starts anew with each change."""

from __future__ import annotations

from typing import Generic, TypeVar

from talos.base import errors, tasks
from talos.cosi import controller
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus

W = TypeVar("W")


class Delivering(controller.Controller, Generic[W]):
    """`W`: what says where to; false when there is no destination. Delivery ends with the controller."""

    def __init__(self) -> None:
        self._delivers: W | None = None
        self._owner: tasks.Owner | None = None

    async def wanted(self, r: controller.Handle) -> W:
        """The destinations now."""
        raise NotImplementedError

    def begin(self, owner: tasks.Owner, r: controller.Handle, wanted: W) -> None:
        """Start the tasks that deliver."""
        raise NotImplementedError

    async def run(self, r: controller.Handle) -> None:
        """As usual; delivery ends with the controller."""
        try:
            await super().run(r)
        finally:
            await self._stop()

    async def reconcile(self, r: controller.Handle) -> None:
        """Begin anew when the destinations change."""
        wanted = await self.wanted(r)
        if wanted == self._delivers:
            return
        await self._stop()
        if wanted:
            owner = self._owner = tasks.Owner(f"{type(self).__name__} delivery", r.log)
            self.begin(owner, r, wanted)
        self._delivers = wanted

    async def _stop(self) -> None:
        self._delivers = None
        if self._owner is not None:
            await self._owner.close()
            self._owner = None


async def network_up(r: controller.Handle) -> None:
    """Raises NotReady before the node has an address."""
    network = await r.find(NetworkStatus, STATUS_ID)
    if network is None or not network.spec.address_ready:
        raise errors.NotReady("the network is not up")
