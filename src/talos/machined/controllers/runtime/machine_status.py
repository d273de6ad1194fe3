"""What stage the machine is in and whether it is ready: the one line that answers "how is the node?"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from talos.cosi import controller
from talos.machined.stage import StageSource
from talos.machinery.resources.config.machine_type import MACHINE_TYPE_ID, MachineType
from talos.machinery.resources.k8s.node_status import NodeStatus
from talos.machinery.resources.k8s.nodename import NODENAME_ID, Nodename
from talos.machinery.resources.k8s.static_pod_status import StaticPodStatus
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus
from talos.machinery.resources.runtime.machine_status import (
    MACHINE_STATUS_ID,
    MachineStatus,
    MachineStatusStatus,
    UnmetCondition,
)
from talos.machinery.resources.runtime.maintenance_service_request import MaintenanceServiceRequest
from talos.machinery.resources.time.time_status import STATUS_ID as TIME_ID
from talos.machinery.resources.time.time_status import TimeStatus
from talos.machinery.resources.v1alpha1.service import Service
from talos.machinery.types.machine import MachineType as Type
from talos.machinery.types.runtime import MachineStage


def missing_services(present: Mapping[str, Service.Spec], wanted: Iterable[str]) -> str:
    """Say which of the wanted services do not run or are not healthy; empty when all is well."""
    problems = []
    for name in wanted:
        spec = present.get(name)
        if spec is None or not spec.running:
            problems.append(f"{name} not running")
        elif not (spec.healthy or spec.unknown):
            problems.append(f"{name} not healthy")
    return ", ".join(problems)


def missing_network(spec: NetworkStatus.Spec) -> str:
    """Say what the network lacks; empty when it is ready."""
    parts = {
        "address": spec.address_ready,
        "connectivity": spec.connectivity_ready,
        "etc-files": spec.etc_files_ready,
        "hostname": spec.hostname_ready,
    }
    lacking = [name for name, ready in parts.items() if not ready]
    return f"waiting on: {', '.join(lacking)}" if lacking else ""


class MachineStatusController(controller.Controller):
    """Stage from the sequencer; readiness from time, network, services, static pods and the node's own status."""

    inputs = (
        controller.weak(TimeStatus, id=TIME_ID),
        controller.weak(NetworkStatus, id=STATUS_ID),
        controller.weak(Service),
        controller.weak(StaticPodStatus),
        controller.weak(MachineType, id=MACHINE_TYPE_ID),
        controller.weak(Nodename, id=NODENAME_ID),
        controller.weak(NodeStatus),
        controller.weak(MaintenanceServiceRequest),
    )
    outputs = (controller.exclusive(MachineStatus),)

    def __init__(self, source: StageSource) -> None:
        self._source = source

    async def run(self, r: controller.Handle) -> None:
        """Wake on the sequencer's changes too."""
        unsubscribe = self._source.subscribe(r.wake)
        try:
            async for _ in r.changes():
                await r.reconcile()
        finally:
            unsubscribe()

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource."""
        maintenance = bool(await r.list(MaintenanceServiceRequest))
        stage = self._source.stage(maintenance=maintenance)
        unmet: list[UnmetCondition] = []
        if stage in {MachineStage.BOOTING, MachineStage.RUNNING, MachineStage.MAINTENANCE}:
            for name, reason in await self._reasons(r, stage):
                if reason:
                    unmet.append(UnmetCondition(name=name, reason=reason))
        status = MachineStatusStatus(ready=not unmet, unmet_conditions=tuple(unmet))
        await r.put(MachineStatus(MACHINE_STATUS_ID, MachineStatus.Spec(stage=stage, status=status)))

    async def _reasons(self, r: controller.Handle, stage: MachineStage) -> list[tuple[str, str]]:
        time = await r.find(TimeStatus, TIME_ID)
        network = await r.find(NetworkStatus, STATUS_ID)
        reasons = [
            (
                "time",
                "" if time is not None and (time.spec.synced or time.spec.sync_disabled) else "time is not in sync",
            ),
            ("network", "network is not ready" if network is None else missing_network(network.spec)),
        ]
        if stage is MachineStage.MAINTENANCE:
            return reasons[1:]
        services = {one.metadata.id: one.spec for one in await r.list(Service)}
        kind = await r.find(MachineType, MACHINE_TYPE_ID)
        control_plane = kind is not None and kind.spec.machine_type in {Type.CONTROL_PLANE, Type.INIT}
        wanted = ["apid", "cri", "kubelet", "machined"] + (["etcd", "trustd"] if control_plane else [])
        reasons.append(("services", missing_services(services, sorted(wanted))))
        if control_plane:
            reasons.append(("staticPods", await self._static_pods(r)))
        reasons.append(("nodeReady", await self._node(r)))
        return reasons

    async def _static_pods(self, r: controller.Handle) -> str:
        problems = []
        pods = await r.list(StaticPodStatus)
        for pod in pods:
            conditions = pod.spec.pod_status.get("conditions") or ()
            if not any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions):
                problems.append(f"{pod.metadata.id} not ready")
        return ", ".join(problems) if pods else "no static pods"

    async def _node(self, r: controller.Handle) -> str:
        name = await r.find(Nodename, NODENAME_ID)
        if name is None:
            return "node name is not known"
        node = await r.find(NodeStatus, name.spec.nodename)
        if node is None:
            return f'node "{name.spec.nodename}" status is not available yet'
        return "" if node.spec.node_ready else f'node "{name.spec.nodename}" is not ready'
