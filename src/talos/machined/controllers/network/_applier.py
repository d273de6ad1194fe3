"""Controllers that give specs to the kernel: all look alike but for the plan.

A running spec gets a finalizer before the kernel is touched, a torn down one loses it after its effect is gone. What
somebody else undoes is done again, because the kernel announces it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from talos.base import errors
from talos.cosi import controller, resource
from talos.cosi.resource import Phase
from talos.linux import netlink
from talos.machined.controllers.network import _observer


class Applier(_observer.Observer):
    """Subclasses set `kind`, `inputs` and `groups`, and write `plan` and `apply`."""

    kind: ClassVar[type[resource.Resource[Any]]]
    track_outputs: ClassVar[bool] = False

    @abstractmethod
    def plan(self, rt: netlink.Route, running: Sequence[Any], removed: Sequence[Any]) -> Sequence[Any]:
        """What to do for these specs, from what the kernel has now."""

    @abstractmethod
    def apply(self, rt: netlink.Route, op: Any) -> None:
        """Do one thing."""

    async def reconcile(self, r: controller.Handle) -> None:
        """Do all that can be done; the first refusal is raised at the end, so the rest does not wait for it."""
        specs = await r.list(self.kind)
        running = [one for one in specs if one.metadata.phase is Phase.RUNNING]
        removed = [one for one in specs if one.metadata.phase is not Phase.RUNNING]
        for one in running:
            await r.add_finalizer(self.kind, one.id)
        refused: Exception | None = None
        with self.connect() as rt:
            for op in self.plan(rt, [one.spec for one in running], [one.spec for one in removed]):
                try:
                    self.apply(rt, op)
                except (OSError, errors.NotFound) as err:
                    refused = refused or err
        if refused is None:
            for one in removed:
                await r.remove_finalizer(self.kind, one.id)
        else:
            raise refused
