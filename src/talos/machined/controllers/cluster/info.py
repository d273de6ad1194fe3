"""Id and name of the cluster, for people and metrics."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.cluster.info import INFO_ID, Info
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig


class InfoController(controller.Controller):
    """Publishes Info once there is a configuration."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(Info),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the configuration."""
        machine = await r.find(MachineConfig, ACTIVE_ID)
        if machine is None:
            return
        cluster = views.cluster(machine.documents)
        spec = Info.Spec(cluster_id=cluster.id, cluster_name=cluster.name)
        await r.put(Info(INFO_ID, spec))
