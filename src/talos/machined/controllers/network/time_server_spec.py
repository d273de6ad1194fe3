"""The merged time servers become the node's time servers, as TimeServerStatus."""

from __future__ import annotations

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machinery.resources.network.time_server_spec import TIME_SERVER_ID, TimeServerSpec
from talos.machinery.resources.network.time_server_status import TimeServerStatus


class TimeServerSpecController(controller.Controller):
    """Publishes the time servers in force."""

    inputs = (controller.strong(TimeServerSpec),)
    outputs = (controller.exclusive(TimeServerStatus),)

    async def reconcile(self, r: controller.Handle) -> None:
        """The status follows the spec."""
        for source in await r.list(TimeServerSpec):
            if source.metadata.phase is not Phase.RUNNING:
                await r.remove_finalizer(TimeServerSpec, source.id)
            elif source.id == TIME_SERVER_ID:
                await r.add_finalizer(TimeServerSpec, source.id)
                status = TimeServerStatus.Spec(ntp_servers=source.spec.ntp_servers, use_nts=source.spec.use_nts)
                await r.put(TimeServerStatus(source.id, status))
