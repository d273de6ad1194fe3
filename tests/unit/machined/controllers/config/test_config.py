import base64
from pathlib import Path

import pytest

from talos.cosi import state
from talos.machined import configuration, events
from talos.machined.controllers.config.acquire import AcquireController
from talos.machined.controllers.config.machine_type import MachineTypeController
from talos.machined.controllers.config.persistence import PersistenceController
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.config import generate, loader
from talos.machinery.resources.config.machine_config import ACTIVE_ID, PERSISTENT_ID, MachineConfig
from talos.machinery.resources.config.machine_type import MACHINE_TYPE_ID, MachineType
from talos.machinery.resources.runtime.maintenance_service_request import MaintenanceServiceRequest
from talos.machinery.resources.v1alpha1.acquire_config_spec import AcquireConfigSpec
from talos.machinery.resources.v1alpha1.acquire_config_status import AcquireConfigStatus
from talos.machinery.types.machine import MachineType as Type
from talos.pki import bundle
from talos.platforms import container
from tests.unit.machined.controllers.running import running

WORKER = b"version: v1alpha1\nmachine:\n  type: worker\n"
VALID = generate.generate(generate.GenerateInput("c", "https://10.5.0.2:6443", bundle.generate()), Type.WORKER).encode()
CONTROL_PLANE = b"version: v1alpha1\nmachine:\n  type: controlplane\n"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state/config.yaml"
    monkeypatch.setattr(configuration.read, "__defaults__", (path,))
    monkeypatch.setattr(configuration.write, "__defaults__", (path,))
    return path


def _platform(source: bytes) -> container.Container:
    return container.Container({"USERDATA": base64.b64encode(source).decode()} if source else {})


@pytest.mark.feature("R001", "H010")
async def test_userdata_is_put_in_force_and_persisted(disk: Path) -> None:
    async with running(PersistenceController()) as (store, runtime):
        current = configuration.Configuration(store)
        runtime.register(AcquireController(current, _platform(VALID), events.EventBus()))
        await runtime.wait_idle()
        assert await current.active() is None
        await store.create(AcquireConfigSpec("acquire"))
        await state.wait_for(store, AcquireConfigStatus, "acquire", lambda found: found is not None, timeout_s=5)
        assert await current.active() == VALID
        assert disk.read_bytes() == VALID
        assert disk.stat().st_mode & 0o777 == 0o600
        assert (await store.get(MachineConfig, PERSISTENT_ID)).spec.source == VALID
        assert not await store.list(MaintenanceServiceRequest)


@pytest.mark.feature("H010")
async def test_what_is_on_disk_wins_over_the_platform(disk: Path) -> None:
    configuration.write(CONTROL_PLANE, disk)
    async with running(PersistenceController()) as (store, runtime):
        current = configuration.Configuration(store)
        runtime.register(AcquireController(current, _platform(VALID), events.EventBus()))
        await store.create(AcquireConfigSpec("acquire"))
        await state.wait_for(store, AcquireConfigStatus, "acquire", lambda found: found is not None, timeout_s=5)
        assert await current.active() == CONTROL_PLANE


@pytest.mark.feature("H010", "Q008")
async def test_a_bad_source_is_told_and_passed_over(disk: Path) -> None:
    configuration.write(b"machine: [", disk)
    bus = events.EventBus()
    async with running(PersistenceController()) as (store, runtime):
        current = configuration.Configuration(store)
        runtime.register(AcquireController(current, _platform(VALID), bus))
        await store.create(AcquireConfigSpec("acquire"))
        await state.wait_for(store, AcquireConfigStatus, "acquire", lambda found: found is not None, timeout_s=5)
        assert await current.active() == VALID
    told = [event.payload for event in bus._ring]
    assert len(told) == 1
    assert isinstance(told[0], machine_pb2.ConfigLoadErrorEvent)
    assert told[0].error.startswith("STATE: ")


@pytest.mark.feature("Q008")
async def test_a_configuration_that_makes_no_sense_is_told(disk: Path) -> None:
    bus = events.EventBus()
    async with running(PersistenceController()) as (store, runtime):
        current = configuration.Configuration(store)
        runtime.register(AcquireController(current, _platform(WORKER), bus))
        await store.create(AcquireConfigSpec("acquire"))
        await state.wait_for(store, MaintenanceServiceRequest, "maintenance", lambda f: f is not None, timeout_s=5)
        assert await current.active() is None
    (told,) = [event.payload for event in bus._ring]
    assert isinstance(told, machine_pb2.ConfigValidationErrorEvent)
    assert told.error.startswith("platform container: ")


@pytest.mark.feature("H010")
async def test_without_any_source_a_person_is_asked(disk: Path) -> None:
    async with running(PersistenceController()) as (store, runtime):
        current = configuration.Configuration(store)
        runtime.register(AcquireController(current, _platform(b""), events.EventBus()))
        await store.create(AcquireConfigSpec("acquire"))
        await state.wait_for(store, MaintenanceServiceRequest, "maintenance", lambda f: f is not None, timeout_s=5)
        assert not await store.list(AcquireConfigStatus)
        await current.activate(WORKER)
        await state.wait_for(store, AcquireConfigStatus, "acquire", lambda found: found is not None, timeout_s=5)
        await state.wait_for(store, MaintenanceServiceRequest, "maintenance", lambda f: f is None, timeout_s=5)


async def test_machine_type_follows_the_configuration() -> None:
    async with running(MachineTypeController()) as (store, runtime):
        await runtime.wait_idle()
        assert (await store.get(MachineType, MACHINE_TYPE_ID)).spec.machine_type is Type.UNKNOWN
        for source, kind in ((WORKER, Type.WORKER), (CONTROL_PLANE, Type.CONTROL_PLANE)):
            await state.put(store, MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source)))
            await runtime.wait_idle()
            assert (await store.get(MachineType, MACHINE_TYPE_ID)).spec.machine_type is kind


@pytest.mark.parametrize(
    ("new", "late"),
    [
        ("version: v1alpha1\nmachine:\n  type: worker\n  sysctls:\n    a.b: '1'\n", []),
        ("version: v1alpha1\nmachine:\n  type: controlplane\n", ["machine.type"]),
        ("version: v1alpha1\nmachine:\n  type: worker\n  install:\n    disk: /dev/sda\n", ["machine.install"]),
    ],
)
def test_which_settings_wait_for_a_reboot(new: str, late: list[str]) -> None:
    assert configuration.needs_reboot(loader.load(WORKER), loader.load(new.encode())) == late


async def test_a_trial_ends_with_the_persistent_configuration(disk: Path) -> None:
    async with running(PersistenceController()) as (store, _):
        current = configuration.Configuration(store)
        await current.activate(WORKER)
        await current.persist(WORKER)
        await current.try_out(CONTROL_PLANE, 0.05)
        assert await current.active() == CONTROL_PLANE
        assert disk.read_bytes() == WORKER
        await state.wait_for(
            store, MachineConfig, ACTIVE_ID, lambda f: f is not None and f.spec.source == WORKER, timeout_s=5
        )


def test_a_write_that_dies_half_way_leaves_the_old_file(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration.write(WORKER, disk)

    def die(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", die)
    with pytest.raises(OSError, match="Input/output"):
        configuration.write(CONTROL_PLANE, disk)
    assert disk.read_bytes() == WORKER


def test_diff() -> None:
    assert configuration.diff(WORKER, WORKER) == ""
    assert "-  type: worker\n+  type: controlplane\n" in configuration.diff(WORKER, CONTROL_PLANE)
