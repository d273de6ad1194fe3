import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from google.protobuf import empty_pb2

from talos.base import errors
from talos.machined import events as bus
from talos.machined.api import Handlers, events, logs, server, services
from talos.machinery.api import methods
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import channel, status
from talos.machinery.rpc import server as rpc
from talos.supervisor import logs as log_store
from talos.supervisor import service, supervisor
from talos.supervisor.cri import client as cri
from talos.supervisor.runner import Runner, process

MACHINE = "/machine.MachineService/"


class Sleeper(service.Service):
    id = "sleeper"
    api_actions = frozenset({service.Action.RESTART, service.Action.START, service.Action.STOP})

    def runner(self) -> Runner:
        return process.Process(("/bin/sleep", "100"))


class Fixed(Sleeper):
    id = "fixed"
    api_actions = frozenset()


class Node:
    """A machine API with real services, and a client whose pid passes for a service."""

    def __init__(self, tmp_path: Path) -> None:
        self.who: str | None = "apid"
        self.maintenance = False
        self.logs = log_store.LogStore(tmp_path / "fifo")
        self.events = bus.EventBus()
        self.supervisor = supervisor.Supervisor(self.logs, tmp_path / "records")
        self.supervisor.load(Sleeper())
        self.supervisor.load(Fixed())
        authorizer = server.Authorizer(lambda pid: self.who if pid == os.getpid() else None, lambda: self.maintenance)
        self.server = rpc.Server(authorize=authorizer)
        handlers: list[Handlers] = [
            services.Services(self.supervisor),
            events.Events(self.events),
            logs.Logs(self.logs, cri.Client(tmp_path / "none.sock")),
        ]
        server.mount(self.server, handlers)
        self.socket = tmp_path / "machine.sock"
        self.channel = channel.Channel.unix(self.socket)

    async def call(self, name: str, request: object, roles: tuple[str, ...] = ("os:admin",)) -> object:
        metadata = {server.ROLE_KEY: roles}
        return await self.channel.unary(methods.method(MACHINE + name), request, metadata=metadata, timeout_s=15)  # type: ignore[arg-type]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path)
    await made.server.serve_unix(made.socket)
    yield made
    made.channel.close()
    await made.server.close(0.1)
    await made.supervisor.stop_all(5)
    await made.logs.close()


@pytest.mark.feature("H033")
async def test_services_are_listed_started_and_stopped(node: Node) -> None:
    await node.call("ServiceStart", machine_pb2.ServiceStartRequest(id="sleeper"))
    await node.supervisor.wait_up("sleeper", 5)
    answer = await node.call("ServiceList", empty_pb2.Empty(), ("os:reader",))
    assert isinstance(answer, machine_pb2.ServiceListResponse)
    listed = {one.id: one for one in answer.messages[0].services}
    assert listed["sleeper"].state == "Running"
    assert listed["sleeper"].events.events[0].state == "Initialized"
    assert listed["sleeper"].events.events[0].ts.seconds > 1_000_000
    assert listed["sleeper"].health.unknown
    assert listed["fixed"].state == "Initialized"
    await node.call("ServiceRestart", machine_pb2.ServiceRestartRequest(id="sleeper"))
    await node.supervisor.wait_up("sleeper", 5)
    await node.call("ServiceStop", machine_pb2.ServiceStopRequest(id="sleeper"))
    assert node.supervisor.status("sleeper").state == "Finished"


@pytest.mark.feature("H033")
@pytest.mark.parametrize("action", ["Start", "Stop", "Restart"])
async def test_what_a_service_does_not_allow_is_refused(node: Node, action: str) -> None:
    request = getattr(machine_pb2, f"Service{action}Request")(id="fixed")
    with pytest.raises(status.RpcError, match="does not support") as caught:
        await node.call(f"Service{action}", request)
    assert caught.value.code is status.Code.FAILED_PRECONDITION


async def test_unknown_service(node: Node) -> None:
    with pytest.raises(status.RpcError) as caught:
        await node.call("ServiceStart", machine_pb2.ServiceStartRequest(id="nothing"))
    assert caught.value.code is status.Code.NOT_FOUND


@pytest.mark.feature("B028", "B029", "B030")
@pytest.mark.parametrize(
    ("who", "roles", "allowed"),
    [
        ("apid", ("os:admin",), True),
        ("apid", ("os:reader",), True),
        ("apid", ("os:etcd:backup",), False),
        ("apid", (), False),
        ("ext-tool", ("os:admin",), True),
        ("dashboard", ("os:admin",), False),
        ("dashboard", ("os:reader",), True),
        ("cri", ("os:admin",), False),
        ("machined", ("os:admin",), False),
        ("kubelet", ("os:admin",), False),
        (None, ("os:admin",), False),
    ],
)
async def test_the_peers_service_bounds_the_roles(
    node: Node, who: str | None, roles: tuple[str, ...], allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDENTIFY_TIMEOUT_S", 0.05)
    node.who = who
    if allowed:
        await node.call("ServiceList", empty_pb2.Empty(), roles)
    else:
        with pytest.raises(status.RpcError, match="not authorized") as caught:
            await node.call("ServiceList", empty_pb2.Empty(), roles)
        assert caught.value.code is status.Code.PERMISSION_DENIED


@pytest.mark.feature("B028")
async def test_a_service_that_was_just_started_is_waited_for(node: Node) -> None:
    node.who = None
    asyncio.get_running_loop().call_later(0.2, lambda: setattr(node, "who", "apid"))
    await node.call("ServiceList", empty_pb2.Empty())


@pytest.mark.parametrize(("maintenance", "allowed"), [(True, True), (False, False)])
def test_a_reader_applies_a_configuration_in_maintenance_only(maintenance: bool, allowed: bool) -> None:
    method = methods.method(MACHINE + "ApplyConfiguration")
    assert server.READER in method.roles
    if allowed:
        server.decide(method, frozenset({server.READER}), maintenance=maintenance)
    else:
        with pytest.raises(errors.Denied):
            server.decide(method, frozenset({server.READER}), maintenance=maintenance)


@pytest.mark.feature("B030")
def test_a_method_without_roles_is_for_admins() -> None:
    method = methods.method("/securityapi.SecurityService/Certificate")
    server.decide(method, frozenset({server.ADMIN}), maintenance=False)
    with pytest.raises(errors.Denied):
        server.decide(method, server.ALL_ROLES - {server.ADMIN}, maintenance=False)


async def test_unknown_method(node: Node) -> None:
    async with node.channel.raw("/machine.MachineService/Nothing", timeout_s=5) as call:
        await call.send(b"", end=True)
        with pytest.raises(status.RpcError) as caught:
            await call.receive()
    assert caught.value.code is status.Code.UNIMPLEMENTED


@pytest.mark.feature("Q007")
async def test_events_begin_with_an_empty_message(node: Node) -> None:
    node.events.publish(machine_pb2.PhaseEvent(phase="before"))
    request = machine_pb2.EventsRequest(tail_events=-1)
    stream = node.channel.stream(
        methods.method(MACHINE + "Events"), request, metadata={server.ROLE_KEY: ("os:reader",)}, timeout_s=5
    )
    first = await anext(stream)
    assert first == machine_pb2.Event()
    second = await anext(stream)
    assert second.data.type_url == "talos/runtime/machine.PhaseEvent"
    assert machine_pb2.PhaseEvent.FromString(second.data.value).phase == "before"
    node.events.publish(machine_pb2.PhaseEvent(phase="after"), "me")
    third = await anext(stream)
    assert third.actor_id == "me"
    assert third.id > second.id
    await stream.aclose()  # type: ignore[attr-defined]


@pytest.mark.feature("Q002", "Q003")
async def test_logs_of_services(node: Node) -> None:
    node.logs.write("etcd", b"one\ntwo\nthree\n" + b"x" * 100_000 + b"\n")
    answer = await node.call("LogsContainers", empty_pb2.Empty())
    assert isinstance(answer, machine_pb2.LogsContainersResponse)
    assert "etcd" in answer.messages[0].ids
    whole = await _read(node, machine_pb2.LogsRequest(id="etcd", namespace="system", tail_lines=-1))
    assert b"".join(whole) == b"one\ntwo\nthree\n" + b"x" * 100_000 + b"\n"
    assert max(map(len, whole)) <= 32 * 1024
    tail = await _read(node, machine_pb2.LogsRequest(id="etcd", namespace="system", tail_lines=2))
    assert b"".join(tail).startswith(b"three\nxx")
    with pytest.raises(status.RpcError) as caught:
        await _read(node, machine_pb2.LogsRequest(id="nothing"))
    assert caught.value.code is status.Code.NOT_FOUND


async def _read(node: Node, request: machine_pb2.LogsRequest) -> list[bytes]:
    stream = node.channel.stream(
        methods.method(MACHINE + "Logs"), request, metadata={server.ROLE_KEY: ("os:reader",)}, timeout_s=5
    )
    parts: list[common_pb2.Data] = [part async for part in stream]
    return [part.bytes for part in parts]


@pytest.mark.feature("Q002")
@pytest.mark.parametrize(
    ("lines", "expected"), [(-1, "a\nb\nc\n"), (0, ""), (1, "c\n"), (2, "b\nc\n"), (9, "a\nb\nc\n")]
)
async def test_tail_of_a_file(tmp_path: Path, lines: int, expected: str) -> None:
    path = tmp_path / "log"
    path.write_text("a\nb\nc\n")
    parts = [part async for part in logs.read_file(path, tail_lines=lines, follow=False)]
    assert b"".join(parts).decode() == expected


async def test_follow_goes_over_a_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "POLL_S", 0.01)
    path = tmp_path / "log"
    path.write_text("old\n")
    seen = bytearray()

    async def follow() -> None:
        async for part in logs.read_file(path, tail_lines=-1, follow=True):
            seen.extend(part)

    task = asyncio.create_task(follow())
    await asyncio.sleep(0.05)
    path.rename(tmp_path / "log.1")
    path.write_text("new\n")
    await asyncio.sleep(0.1)
    task.cancel()
    assert bytes(seen) == b"old\nnew\n"


def test_a_handler_that_spells_no_rpc_is_refused() -> None:
    class Wrong(Handlers):
        service: ClassVar[str] = "machine.MachineService"

        async def no_such_rpc(self, request: object, call: rpc.Call) -> None:
            return

    with pytest.raises(errors.Permanent, match="no_such_rpc is no RPC"):
        server.mount(rpc.Server(), [Wrong()])
