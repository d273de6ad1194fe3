"""Step for the cluster's services on this machine (see `talos.provision.services`)."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from talos.base.constants import ports
from talos.provision import plan, services, state
from talos.provision.providers.namespaces import launch, resident
from talos.provision.state import Cluster

FOLDER = "services"


def settings(cluster: Cluster) -> services.Settings:
    """What the process is told; only several control planes need a balancer."""
    request = cluster.request
    return services.Settings(
        request.gateway,
        services.DISCOVERY_PORT,
        ports.KUBERNETES_API if cluster.state.options.get("balanced") else 0,
        tuple(node.ip for node in request.control_planes),
        _segment(cluster),
    )


def _segment(cluster: Cluster) -> Mapping[str, Any]:
    if cluster.state.provisioner != state.QEMU:
        return {}
    from talos.provision.providers.qemu import names

    return names.content(cluster.request, cluster.names, cluster.state.options)


class Services(plan.Step):
    """The running process."""

    key = "services"
    title = "discovery and load balancer"
    after = ("network/bridge",)

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Start it, or have it read the settings anew."""
        folder = cluster.folder / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        settings(cluster).save(folder)
        running = resident.handle(launch.Record.load(folder))
        if running is not None:
            running.signal(signal.SIGHUP)
            running.close()
            return
        path = f"{cluster.names.cgroup}/services"
        await resident.kill(path)
        await resident.start("services", [str(folder)], cgroup_path=path, log=folder / "services.log")

    async def undo(self, cluster: Cluster) -> None:
        """End it."""
        await resident.kill(f"{cluster.names.cgroup}/services")
        (cluster.folder / FOLDER / launch.RECORD_FILE).unlink(missing_ok=True)
