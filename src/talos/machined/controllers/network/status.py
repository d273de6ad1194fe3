"""Whether the network is usable: what others wait for before they start."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.files.etc_file_status import EtcFileStatus
from talos.machinery.resources.network.hostname_status import HostnameStatus
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus
from talos.machinery.resources.network.node_address import NODE_ADDRESS_CURRENT_ID, NodeAddress
from talos.machinery.resources.network.probe_status import ProbeStatus
from talos.machinery.resources.network.route_status import RouteStatus

_MACHINE_FILES = ("hosts", "resolv.conf")
_CONTAINER_FILES = ("hosts",)


class StatusController(controller.Controller):
    """Publishes NetworkStatus.

    Connectivity is what the probes say, and a default route where there are no probes. In a container `resolv.conf`
    is the container runtime's.
    """

    inputs = (
        controller.weak(NodeAddress, id=NODE_ADDRESS_CURRENT_ID),
        controller.weak(RouteStatus),
        controller.weak(HostnameStatus),
        controller.weak(EtcFileStatus),
        controller.weak(ProbeStatus),
    )
    outputs = (controller.exclusive(NetworkStatus),)

    def __init__(self, mode: Mode) -> None:
        self._files = _CONTAINER_FILES if mode is Mode.CONTAINER else _MACHINE_FILES

    async def reconcile(self, r: controller.Handle) -> None:
        """One look at all conditions."""
        current = await r.find(NodeAddress, NODE_ADDRESS_CURRENT_ID)
        hostnames = await r.list(HostnameStatus)
        files = {one.id for one in await r.list(EtcFileStatus)}
        spec = NetworkStatus.Spec(
            address_ready=bool(current and current.spec.addresses),
            connectivity_ready=await self._connected(r),
            hostname_ready=bool(hostnames),
            etc_files_ready=files.issuperset(self._files),
        )
        await r.put(NetworkStatus(STATUS_ID, spec))

    async def _connected(self, r: controller.Handle) -> bool:
        if probes := await r.list(ProbeStatus):
            return all(one.spec.success for one in probes)
        return any(not one.spec.destination and one.spec.gateway for one in await r.list(RouteStatus))
