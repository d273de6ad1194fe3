import pytest

from talos.cosi import state
from talos.machined import events, stage
from talos.machined.controllers.runtime.machine_status import MachineStatusController, missing_services
from talos.machined.controllers.runtime.machine_status_publisher import MachineStatusPublisherController
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.resources.config.machine_type import MACHINE_TYPE_ID, MachineType
from talos.machinery.resources.k8s.node_status import NodeStatus
from talos.machinery.resources.k8s.nodename import NODENAME_ID, Nodename
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus
from talos.machinery.resources.runtime.machine_status import MACHINE_STATUS_ID, MachineStatus
from talos.machinery.resources.time.time_status import STATUS_ID as TIME_ID
from talos.machinery.resources.time.time_status import TimeStatus
from talos.machinery.resources.v1alpha1.service import Service
from talos.machinery.types.machine import MachineType as Type
from talos.machinery.types.runtime import MachineStage
from tests.unit.machined.controllers.running import running

UP = Service.Spec(running=True, healthy=True)


@pytest.mark.feature("H029")
@pytest.mark.parametrize(
    ("sequence", "booted", "maintenance", "expected"),
    [
        ("", False, False, MachineStage.BOOTING),
        ("initialize", False, False, MachineStage.BOOTING),
        ("initialize", False, True, MachineStage.MAINTENANCE),
        ("boot", False, False, MachineStage.BOOTING),
        ("", True, False, MachineStage.RUNNING),
        ("reboot", True, False, MachineStage.REBOOTING),
        ("shutdown", True, False, MachineStage.SHUTTING_DOWN),
        ("reset", True, False, MachineStage.RESETTING),
        ("upgrade", True, False, MachineStage.UPGRADING),
    ],
)
def test_stages(sequence: str, booted: bool, maintenance: bool, expected: MachineStage) -> None:
    source = stage.StageSource()
    source.update(sequence, booted=booted)
    assert source.stage(maintenance=maintenance) is expected


def test_missing_services() -> None:
    present = {"a": UP, "b": Service.Spec(running=True), "c": Service.Spec(running=True, unknown=True)}
    assert missing_services(present, ["a", "b", "c", "d"]) == "b not healthy, d not running"


@pytest.mark.feature("H029")
async def test_a_worker_becomes_ready_and_says_so() -> None:
    source, bus = stage.StageSource(), events.EventBus()
    async with running(MachineStatusController(source), MachineStatusPublisherController(bus)) as (store, runtime):
        await store.create(MachineType(MACHINE_TYPE_ID, MachineType.Spec(machine_type=Type.WORKER)))
        await runtime.wait_idle()
        spec = (await store.get(MachineStatus, MACHINE_STATUS_ID)).spec
        assert spec.stage is MachineStage.BOOTING
        assert {one.name for one in spec.status.unmet_conditions} == {"time", "network", "services", "nodeReady"}
        for name in ("apid", "cri", "kubelet", "machined"):
            await store.create(Service(name, UP))
        await store.create(TimeStatus(TIME_ID, TimeStatus.Spec(synced=True)))
        network = NetworkStatus.Spec(
            address_ready=True, connectivity_ready=True, hostname_ready=False, etc_files_ready=True
        )
        await store.create(NetworkStatus(STATUS_ID, network))
        await store.create(Nodename(NODENAME_ID, Nodename.Spec(nodename="w1")))
        await store.create(NodeStatus("w1", NodeStatus.Spec(nodename="w1", node_ready=True)))
        source.update("", booted=True)
        await runtime.wait_idle()
        spec = (await store.get(MachineStatus, MACHINE_STATUS_ID)).spec
        assert [(one.name, one.reason) for one in spec.status.unmet_conditions] == [("network", "waiting on: hostname")]
        ready = NetworkStatus.Spec(
            address_ready=True, connectivity_ready=True, hostname_ready=True, etc_files_ready=True
        )
        await state.put(store, NetworkStatus(STATUS_ID, ready))
        await runtime.wait_idle()
        spec = (await store.get(MachineStatus, MACHINE_STATUS_ID)).spec
        assert (spec.stage, spec.status.ready) == (MachineStage.RUNNING, True)
    last = bus._ring[-1].payload
    assert isinstance(last, machine_pb2.MachineStatusEvent)
    assert last.stage == machine_pb2.MachineStatusEvent.RUNNING
    assert last.status.ready
    assert len({event.payload.SerializeToString() for event in bus._ring}) == len(bus._ring)
