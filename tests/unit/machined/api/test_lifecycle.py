from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talos.base import errors
from talos.machined import config_file, configuration, meta, modes, sequences, systems
from talos.machined.api import lifecycle, server
from talos.machined.api import meta as meta_api
from talos.machined.controllers.config.persistence import PersistenceController
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.config import generate
from talos.machinery.rpc import channel, status
from talos.machinery.rpc import server as rpc
from talos.machinery.types.machine import MachineType
from talos.pki import bundle
from talos.supervisor.containerd import client as containerd
from tests.unit.machined.controllers.running import running

Request = machine_pb2.ApplyConfigurationRequest
SECRETS = bundle.generate()


def _config(machine_type: MachineType = MachineType.WORKER, **options: dict[str, str]) -> bytes:
    wanted = generate.GenerateInput("c", "https://10.5.0.2:6443", SECRETS, **options)  # type: ignore[arg-type]
    return generate.generate(wanted, machine_type).encode()


OLD = _config()
NEW = _config(sysctls={"net.ipv4.tcp_keepalive_time": "601"})


class Starter:
    """Remembers what was begun."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, bool, sequences.Reset | None]] = []
        self.locked = False

    def begin(
        self,
        name: sequences.Name,
        *,
        force: bool = False,
        reset: sequences.Reset | None = None,
        change: sequences.Change | None = None,
    ) -> str:
        del change
        if self.locked:
            raise errors.Conflict(f"sequence {name} is locked out")
        self.begun.append((name, force, reset))
        return "the-actor"


class Api:
    def __init__(self, made: channel.Channel, current: configuration.Configuration, starter: Starter) -> None:
        self.channel, self.current, self.starter = made, current, starter

    async def call(self, name: str, request: object) -> object:
        return await self.channel.unary(methods.method(f"/machine.MachineService/{name}"), request, timeout_s=15)  # type: ignore[arg-type]

    async def apply(self, **options: object) -> machine_pb2.ApplyConfiguration:
        answer = await self.call("ApplyConfiguration", Request(**options))  # type: ignore[arg-type]
        assert isinstance(answer, machine_pb2.ApplyConfigurationResponse)
        return answer.messages[0]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return tmp_path / "state/config.yaml"


@pytest.fixture
async def api(tmp_path: Path, disk: Path) -> AsyncIterator[Api]:
    async with running() as (store, runtime):
        current, starter, made = (
            configuration.Configuration(store, config_file.ConfigFile(disk)),
            Starter(),
            rpc.Server(),
        )
        runtime.register(PersistenceController(current))
        mode = modes.Mode.CONTAINER
        machine = systems.Systems(containerd.Client(tmp_path / "absent.sock"), current, mode)
        server.mount(made, [meta_api.MetaValues(modes.Mode.CONTAINER, meta.Meta())])
        server.mount(made, [lifecycle.Lifecycle(mode, starter, current, machine, store)])
        await made.serve_unix(tmp_path / "api.sock")
        connection = channel.Channel.unix(tmp_path / "api.sock")
        await current.accept(OLD)
        yield Api(connection, current, starter)
        connection.close()
        await made.close(0.1)


@pytest.mark.feature("F029", "A014")
@pytest.mark.parametrize("mode", [Request.AUTO, Request.NO_REBOOT])
async def test_it_is_applied_at_once(api: Api, disk: Path, mode: int) -> None:
    done = await api.apply(data=NEW, mode=mode)
    assert done.mode == Request.NO_REBOOT
    (note,) = done.warnings
    assert note.startswith("accepted, not yet used by this release: ")
    assert await api.current.active() == disk.read_bytes() == NEW
    assert api.starter.begun == []


@pytest.mark.feature("F029", "A014")
@pytest.mark.parametrize("mode", [Request.AUTO, Request.NO_REBOOT, Request.TRY])
async def test_what_waits_for_a_boot_is_named(api: Api, disk: Path, mode: int) -> None:
    done = await api.apply(data=_config(MachineType.CONTROL_PLANE), mode=mode)
    assert "machine.type: the change takes effect at the next boot" in done.warnings
    assert api.starter.begun == []
    api.current.end_trial()


@pytest.mark.feature("F029")
async def test_reboot_is_done_when_it_is_asked_for(api: Api, disk: Path) -> None:
    done = await api.apply(data=NEW, mode=Request.REBOOT)
    assert done.mode == Request.REBOOT
    assert await api.current.active() == OLD
    assert disk.read_bytes() == NEW
    assert api.starter.begun == [("reboot", False, None)]


@pytest.mark.feature("F029", "H025")
async def test_a_reboot_that_is_refused_changes_nothing(api: Api, disk: Path) -> None:
    api.starter.locked = True
    with pytest.raises(status.RpcError, match="locked out"):
        await api.apply(data=NEW, mode=Request.REBOOT)
    assert await api.current.active() == await api.current.persistent() == disk.read_bytes() == OLD


@pytest.mark.feature("F030")
async def test_one_at_a_time(api: Api, disk: Path) -> None:
    async with api.current.changing:
        with pytest.raises(status.RpcError, match="another configuration") as caught:
            await api.apply(data=NEW, mode=Request.AUTO)
    assert caught.value.code is status.Code.FAILED_PRECONDITION
    assert (await api.apply(data=NEW, mode=Request.AUTO)).mode == Request.NO_REBOOT


@pytest.mark.feature("F030")
async def test_a_running_node_needs_its_v1alpha1_document(api: Api, disk: Path) -> None:
    part = b"apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: a\n"
    with pytest.raises(status.RpcError, match="v1alpha1") as caught:
        await api.apply(data=part, mode=Request.AUTO)
    assert caught.value.code is status.Code.INVALID_ARGUMENT
    assert await api.current.active() == OLD
    api.current.wanted = True
    await api.apply(data=part, mode=Request.AUTO)
    assert await api.current.active() == part


@pytest.mark.feature("H036")
@pytest.mark.parametrize("mode", [Request.TRY, Request.STAGED])
async def test_in_maintenance_there_is_nothing_to_return_to(api: Api, disk: Path, mode: int) -> None:
    api.current.wanted = True
    with pytest.raises(status.RpcError, match="without a configuration"):
        await api.apply(data=NEW, mode=mode)
    assert await api.current.active() == OLD


@pytest.mark.feature("F029")
async def test_staged_waits_for_the_next_boot(api: Api, disk: Path) -> None:
    done = await api.apply(data=NEW, mode=Request.STAGED)
    assert done.mode == Request.STAGED
    assert await api.current.active() == OLD
    assert disk.read_bytes() == NEW
    assert api.starter.begun == []


@pytest.mark.feature("F029")
async def test_try_is_not_persisted(api: Api, disk: Path) -> None:
    done = await api.apply(data=NEW, mode=Request.TRY)
    assert "60 s" in done.mode_details
    assert await api.current.active() == NEW
    assert disk.read_bytes() == OLD
    api.current.end_trial()


@pytest.mark.feature("F030", "F020")
@pytest.mark.parametrize("mode", [Request.AUTO, Request.REBOOT, Request.STAGED, Request.TRY])
async def test_dry_run_changes_nothing_and_shows_the_difference(api: Api, disk: Path, mode: int) -> None:
    done = await api.apply(data=NEW, mode=mode, dry_run=True)
    assert "+" in done.mode_details
    assert "601" in done.mode_details
    assert await api.current.active() == disk.read_bytes() == OLD
    assert api.starter.begun == []


@pytest.mark.parametrize("data", [b"", b"machine: [", b"kind: Nothing\napiVersion: v1alpha1\n", b"version: v1alpha1\n"])
async def test_bad_configurations_are_refused(api: Api, disk: Path, data: bytes) -> None:
    with pytest.raises(status.RpcError) as caught:
        await api.apply(data=data, mode=Request.AUTO)
    assert caught.value.code is status.Code.INVALID_ARGUMENT
    assert disk.read_bytes() == await api.current.active() == OLD


async def test_ways_down_answer_with_their_actor(api: Api) -> None:
    for name, request in (
        ("Reboot", machine_pb2.RebootRequest(mode=machine_pb2.RebootRequest.FORCE)),
        ("Shutdown", machine_pb2.ShutdownRequest()),
        ("Reset", machine_pb2.ResetRequest(graceful=True, reboot=True)),
    ):
        answer = await api.call(name, request)
        assert answer.messages[0].actor_id == "the-actor"  # type: ignore[attr-defined]
    assert api.starter.begun == [
        ("reboot", True, None),
        ("shutdown", False, None),
        ("reset", False, sequences.Reset(graceful=True, reboot=True, partitions=("STATE", "EPHEMERAL"))),
    ]


@pytest.mark.feature("H025")
async def test_a_locked_sequencer_refuses(api: Api) -> None:
    api.starter.locked = True
    with pytest.raises(status.RpcError, match="locked out"):
        await api.call("Reboot", machine_pb2.RebootRequest())


@pytest.mark.feature("R003")
@pytest.mark.parametrize("name", ["Upgrade", "Rollback"])
async def test_not_in_a_container(api: Api, name: str) -> None:
    request = getattr(machine_pb2, f"{name}Request")()
    with pytest.raises(status.RpcError, match="method is not supported in container mode") as caught:
        await api.call(name, request)
    assert caught.value.code is status.Code.FAILED_PRECONDITION
