"""The API servers KubePrism balances over: this machine's own, those discovery knows, and the cluster's endpoint."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.cluster.member import Member
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.config.machine_type import MACHINE_TYPE_ID, MachineType
from talos.machinery.resources.k8s.kube_prism_config import KubePrismEndpoint as Endpoint
from talos.machinery.resources.k8s.kube_prism_endpoint import KUBE_PRISM_ENDPOINTS_ID, KubePrismEndpoint
from talos.machinery.types import machine as machine_types

_CONTROL_PLANE = (machine_types.MachineType.CONTROL_PLANE, machine_types.MachineType.INIT)


class KubePrismEndpointsController(controller.Controller):
    """Publishes KubePrismEndpoints."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(MachineType, id=MACHINE_TYPE_ID),
        controller.weak(Member),
    )
    outputs = (controller.exclusive(KubePrismEndpoint),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Own server first, then members by name, then the cluster's endpoint; each once."""
        machine = await r.find(MachineConfig, ACTIVE_ID)
        kind = await r.find(MachineType, MACHINE_TYPE_ID)
        if machine is None or kind is None:
            return
        cluster = views.cluster(machine.documents)
        found: list[Endpoint] = []
        if kind.spec.machine_type in _CONTROL_PLANE:
            found.append(Endpoint(host="127.0.0.1", port=cluster.local_api_port))
        for member in await r.list(Member):
            if member.spec.control_plane is not None:
                port = member.spec.control_plane.api_server_port
                found += [Endpoint(host=address, port=port) for address in member.spec.addresses]
        if cluster.endpoint_host:
            found.append(Endpoint(host=cluster.endpoint_host, port=cluster.endpoint_port))
        spec = KubePrismEndpoint.Spec(endpoints=tuple(dict.fromkeys(found)))
        await r.put(KubePrismEndpoint(KUBE_PRISM_ENDPOINTS_ID, spec))
