import asyncio
import os
import signal
from pathlib import Path

import pytest

from talos.base import errors
from talos.cosi import state
from talos.machined import events
from talos.machined.controllers.v1alpha1.service import ServiceController
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.resources.v1alpha1.service import Service
from talos.supervisor import health, logs, service, supervisor
from talos.supervisor.runner import Runner, process
from tests.unit.machined.controllers.running import running


class Sleeper(service.Service):
    id = "sleeper"

    def __init__(self) -> None:
        self.well = False
        self.health = health.HealthCheck(self._check, interval_s=0.02, initial_delay_s=0.05)

    async def _check(self) -> None:
        if not self.well:
            raise errors.Temporary("not yet")

    def runner(self) -> Runner:
        return process.Process(("/bin/sleep", "100"))


@pytest.mark.feature("H030", "Q008")
async def test_services_become_resources_and_events(tmp_path: Path) -> None:
    store, bus = logs.LogStore(tmp_path / "fifo"), events.EventBus()
    services, made = supervisor.Supervisor(store, tmp_path / "records"), Sleeper()
    services.load(made)
    async with running(ServiceController(services, bus)) as (resources, runtime):
        await runtime.wait_idle()
        assert await resources.list(Service) == []
        await services.start("sleeper")
        first = await state.wait_for(resources, Service, "sleeper", lambda f: f is not None, timeout_s=5)
        assert first is not None
        assert (first.spec.running, first.spec.healthy, first.spec.unknown) == (True, False, True)
        await state.wait_for(resources, Service, "sleeper", lambda f: f is not None and not f.spec.unknown, timeout_s=5)
        assert (await resources.get(Service, "sleeper")).spec.healthy is False
        made.well = True
        await state.wait_for(resources, Service, "sleeper", lambda f: f is not None and f.spec.healthy, timeout_s=5)
        await services.stop("sleeper")
        await state.wait_for(resources, Service, "sleeper", lambda f: f is None, timeout_s=5)
        await asyncio.sleep(0)
    told = [event.payload for event in bus._ring]
    assert all(isinstance(one, machine_pb2.ServiceStateEvent) and one.service == "sleeper" for one in told)
    actions = [machine_pb2.ServiceStateEvent.Action.Name(one.action) for one in told]  # type: ignore[attr-defined]
    assert list(dict.fromkeys(actions)) == ["STARTING", "PREPARING", "RUNNING", "STOPPING", "FINISHED"]
    assert any(one.health.healthy for one in told)  # type: ignore[attr-defined]
    await store.close()


class Fragile(service.Service):
    """Crashes each time it is told to, and takes a while to come back."""

    id = "fragile"
    restart = service.Restart.FOREVER

    def __init__(self, pid_file: Path) -> None:
        self.pid_file = pid_file

    def runner(self) -> Runner:
        return process.Process(("/bin/sh", "-c", f"echo $$ > {self.pid_file}; exec sleep 100"))


async def test_crashed_service_keeps_its_resource_until_it_is_back(tmp_path: Path) -> None:
    store, bus = logs.LogStore(tmp_path / "fifo"), events.EventBus()
    services = supervisor.Supervisor(store, tmp_path / "records")
    services.load(Fragile(tmp_path / "pid"))
    async with running(ServiceController(services, bus)) as (resources, _):
        await services.start("fragile")
        first = await state.wait_for(resources, Service, "fragile", lambda f: f is not None, timeout_s=5)
        assert first is not None
        while not (tmp_path / "pid").exists():
            await asyncio.sleep(0.01)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        await state.wait_for(resources, Service, "fragile", lambda f: f is not None and not f.spec.running, timeout_s=5)
        back = await state.wait_for(
            resources, Service, "fragile", lambda f: f is not None and f.spec.running, timeout_s=5
        )
        assert back is not None
        assert back.metadata.created == first.metadata.created
        await services.stop("fragile")
    await store.close()
