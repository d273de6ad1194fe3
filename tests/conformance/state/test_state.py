"""The conformance suite of resource states: in memory, behind a filter, over gRPC; and what is special to the API."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from talos.base import errors
from talos.cosi import filtered, inmem, state
from talos.machined.api import cosi_state
from talos.machinery.api import methods
from talos.machinery.api._generated.cosi import resource_pb2, state_pb2
from talos.machinery.client import remote_state
from talos.machinery.resources.block import discovered_volumes_status
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.network import link_spec
from talos.machinery.resources.secrets import os_root_secret
from talos.machinery.rpc import channel, server, status
from talos.testing.conformance.state import Service, Suite, up

NAMES = ("Get", "List", "Watch", "Create", "Update", "Destroy", "Teardown", "TeardownAndDestroy")


class TestInMemory(Suite):
    @pytest.fixture
    async def store(self) -> AsyncIterator[state.State]:
        yield inmem.InMemory()


class TestFiltered(Suite):
    @pytest.fixture
    async def store(self) -> AsyncIterator[state.State]:
        yield filtered.Filtered(inmem.InMemory(), lambda access: None)


class TestRemote(Suite):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[state.State]:
        async with served(cosi_state.StateService(inmem.InMemory(), anything), tmp_path) as client:
            yield remote_state.RemoteState(client)


def anything(cls: Any, namespace: str, verb: str, call: Any) -> None:
    """The rule of a state that is all ours."""


@contextlib.asynccontextmanager
async def served(rpcs: cosi_state.StateService, folder: Path) -> AsyncIterator[channel.Channel]:
    """A real server on a unix socket, and a channel to it."""
    made = server.Server()
    for name in NAMES:
        attribute = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")
        made.add(methods.method(f"/cosi.resource.State/{name}"), getattr(rpcs, attribute))
    path = folder / "state.sock"
    await made.serve_unix(path)
    client = channel.Channel.unix(path)
    try:
        yield client
    finally:
        client.close()
        await made.close()


def people(*roles: str) -> Callable[..., None]:
    """The rule of the API for a caller with these roles."""

    def rule(cls: Any, namespace: str, verb: str, call: server.Call) -> None:
        call.roles = frozenset(roles)
        cosi_state.for_people(cls, namespace, verb, call)

    return rule


@contextlib.asynccontextmanager
async def seen_by(folder: Path, *roles: str) -> AsyncIterator[tuple[inmem.InMemory, remote_state.RemoteState]]:
    inner = inmem.InMemory()
    async with served(cosi_state.StateService(inner, people(*roles)), folder) as client:
        yield inner, remote_state.RemoteState(client)


@pytest.mark.feature("D010", "D015", "P017")
@pytest.mark.parametrize(("role", "allowed"), [("os:reader", False), ("os:operator", False), ("os:admin", True)])
async def test_secrets_are_for_admins(tmp_path: Path, role: str, allowed: bool) -> None:
    async with seen_by(tmp_path, role) as (inner, found):
        await inner.create(os_root_secret.OSRootSecret("os", os_root_secret.OSRootSecret.Spec(token="t")))
        await inner.create(machine_config.MachineConfig("v1alpha1"))
        await inner.create(link_spec.LinkSpec("eth0"))
        await inner.create(up("a"))
        assert [s.id for s in await found.list(Service)] == ["a"]
        for cls, id in (
            (os_root_secret.OSRootSecret, "os"),
            (machine_config.MachineConfig, "v1alpha1"),
            (link_spec.LinkSpec, "eth0"),
        ):
            if allowed:
                assert (await found.get(cls, id)).id == id
                assert [r.id for r in await found.list(cls)] == [id]
                continue
            with pytest.raises(errors.Denied):
                await found.get(cls, id)
            with pytest.raises(errors.Denied):
                await found.list(cls)
            with pytest.raises(errors.Denied):
                async with found.watch(cls, bootstrap=True) as events:
                    await anext(events)


@pytest.mark.feature("A080", "A081", "A082", "A084", "A085", "D010")
async def test_nobody_writes_over_the_api(tmp_path: Path) -> None:
    async with seen_by(tmp_path, "os:admin") as (inner, found):
        stored = await inner.create(up("a"))
        for write in (
            found.create(up("x")),
            found.update(stored.with_spec(Service.Spec())),
            found.destroy(Service, "a"),
            found.teardown(Service, "a"),
        ):
            with pytest.raises(errors.Denied, match="write access is not allowed"):
                await write
        assert await inner.list(Service) == [stored]


@pytest.mark.feature("D010", "D021")
async def test_unknown_types_and_namespaces_are_denied(tmp_path: Path) -> None:
    hidden = discovered_volumes_status.DiscoveredVolumesStatus
    async with seen_by(tmp_path, "os:admin") as (inner, found):
        await inner.create(hidden("discovered-volumes-status"))
        with pytest.raises(errors.Denied, match="DiscoveredVolumesStatuses"):
            await found.get(hidden, "discovered-volumes-status")
        with pytest.raises(errors.Denied, match="elsewhere"):
            await found.list(Service, namespace="elsewhere")


@pytest.mark.feature("A078", "A080", "A081", "A082", "A083", "D007")
async def test_status_codes_are_those_of_the_original(tmp_path: Path) -> None:
    from talos.machinery.resources import wire

    inner = inmem.InMemory()
    stored = await inner.create(up("a"), owner="me")
    torn = await inner.create(up("torn"))
    await inner.teardown(Service, "torn")
    await inner.create(up("held"))
    await inner.add_finalizer(Service, "held", "reader")
    where = {"namespace": "runtime", "type": Service.definition.type}

    def update(res: Any, **options: str) -> state_pb2.UpdateRequest:
        return state_pb2.UpdateRequest(new_resource=wire.encode(res), options=state_pb2.UpdateOptions(**options))

    stale = stored.with_metadata(stored.metadata.replace(version=7))
    torn = torn.with_metadata(torn.metadata.replace(version=2))
    cases: list[tuple[str, Any, status.Code]] = [
        ("Get", state_pb2.GetRequest(id="none", **where), status.Code.NOT_FOUND),
        (
            "Get",
            state_pb2.GetRequest(namespace="runtime", type="Nothings.x.dev", id="a"),
            status.Code.PERMISSION_DENIED,
        ),
        ("Create", state_pb2.CreateRequest(resource=wire.encode(up("a"))), status.Code.ALREADY_EXISTS),
        ("Update", update(up("none")), status.Code.NOT_FOUND),
        ("Update", update(stale, owner="me"), status.Code.FAILED_PRECONDITION),
        ("Update", update(stored, owner="you"), status.Code.PERMISSION_DENIED),
        ("Update", update(torn, expected_phase="running"), status.Code.INVALID_ARGUMENT),
        ("Update", update(torn, expected_phase="asleep"), status.Code.INVALID_ARGUMENT),
        ("Destroy", state_pb2.DestroyRequest(id="none", **where), status.Code.NOT_FOUND),
        ("Destroy", state_pb2.DestroyRequest(id="held", **where), status.Code.FAILED_PRECONDITION),
        ("Destroy", state_pb2.DestroyRequest(id="a", **where), status.Code.PERMISSION_DENIED),
        ("Teardown", state_pb2.TeardownRequest(id="none", **where), status.Code.NOT_FOUND),
        (
            "Watch",
            state_pb2.WatchRequest(options=state_pb2.WatchOptions(start_from_bookmark=b"x"), **where),
            status.Code.FAILED_PRECONDITION,
        ),
        (
            "Watch",
            state_pb2.WatchRequest(id="a", options=state_pb2.WatchOptions(bootstrap_contents=True), **where),
            status.Code.UNIMPLEMENTED,
        ),
    ]
    for pattern in ("(", "(?=a)", "a{9999}"):
        options = state_pb2.ListOptions(id_query=resource_pb2.IDQuery(regexp=pattern))
        cases.append(("List", state_pb2.ListRequest(options=options, **where), status.Code.INVALID_ARGUMENT))
    for term in (resource_pb2.LabelTerm(key="n", op=resource_pb2.LabelTerm.EQUAL), resource_pb2.LabelTerm(op=99)):
        options = state_pb2.ListOptions(label_query=[resource_pb2.LabelQuery(terms=[term])])
        cases.append(("List", state_pb2.ListRequest(options=options, **where), status.Code.INVALID_ARGUMENT))
    async with served(cosi_state.StateService(inner, anything), tmp_path) as client:
        for name, request, code in cases:
            method = methods.method(f"/cosi.resource.State/{name}")
            with pytest.raises(status.RpcError) as caught:
                if method.server_streaming:
                    async for _ in client.stream(method, request, timeout_s=5):
                        pass
                else:
                    await client.unary(method, request, timeout_s=5)
            assert caught.value.code is code, (name, request)


@pytest.mark.feature("A083", "D008", "D009")
async def test_watch_on_the_wire(tmp_path: Path) -> None:
    """The first message is empty; events about no resource carry their kind; old clients get what they know."""
    inner = inmem.InMemory()
    await inner.create(up("a"))
    where = {"namespace": "runtime", "type": Service.definition.type}
    method = methods.method("/cosi.resource.State/Watch")
    async with served(cosi_state.StateService(inner, anything), tmp_path) as client:

        async def first(count: int, **options: Any) -> list[Any]:
            request = state_pb2.WatchRequest(options=state_pb2.WatchOptions(**options), api_version=1, **where)
            stream = client.stream(method, request, timeout_s=5)
            found = [await anext(stream) for _ in range(count)]
            await stream.aclose()
            return found

        ready, created, bootstrapped = await first(3, bootstrap_contents=True)
        assert list(ready.event) == []
        assert (created.event[0].event_type, created.event[0].resource.metadata.id) == (state_pb2.CREATED, "a")
        assert created.event[0].resource.spec.yaml_spec
        assert created.event[0].resource.spec.proto_spec
        mark = bootstrapped.event[0]
        assert mark.event_type == state_pb2.BOOTSTRAPPED
        assert mark.bookmark
        assert (mark.resource.metadata.type, mark.resource.metadata.version) == (Service.definition.type, "undefined")
        _, together = await first(2, bootstrap_contents=True, aggregated=True)
        assert [e.event_type for e in together.event] == [state_pb2.CREATED, state_pb2.BOOTSTRAPPED]
        ready, noop = await first(2, bootstrap_bookmark=True)
        assert noop.event[0].event_type == state_pb2.NOOP
        request = state_pb2.WatchRequest(id="gone", api_version=1, **where)
        stream = client.stream(method, request, timeout_s=5)
        await anext(stream)
        tombstone = (await anext(stream)).event[0]
        await stream.aclose()
        assert tombstone.event_type == state_pb2.DESTROYED
        assert tombstone.resource.metadata.id == "gone"
        assert tombstone.resource.metadata.version == "undefined"


async def test_old_clients_see_no_events_they_do_not_know(tmp_path: Path) -> None:
    inner = inmem.InMemory()
    where = {"namespace": "runtime", "type": Service.definition.type}
    method = methods.method("/cosi.resource.State/Watch")
    async with served(cosi_state.StateService(inner, anything), tmp_path) as client:
        request = state_pb2.WatchRequest(options=state_pb2.WatchOptions(bootstrap_contents=True), **where)
        stream = client.stream(method, request, timeout_s=5)
        await anext(stream)
        await inner.create(up("b"))
        assert (await anext(stream)).event[0].event_type == state_pb2.CREATED
        await stream.aclose()


async def test_labels_that_must_not_exist(tmp_path: Path) -> None:
    """An operation of the protocol's first version, today said by inversion."""
    inner = inmem.InMemory()
    await inner.create(up("a"))
    await inner.create(Service("bare"))
    term = resource_pb2.LabelTerm(key="kind", op=resource_pb2.LabelTerm.NOT_EXISTS)
    options = state_pb2.ListOptions(label_query=[resource_pb2.LabelQuery(terms=[term])])
    request = state_pb2.ListRequest(namespace="runtime", type=Service.definition.type, options=options)
    async with served(cosi_state.StateService(inner, anything), tmp_path) as client:
        replies = client.stream(methods.method("/cosi.resource.State/List"), request, timeout_s=5)
        assert [reply.resource.metadata.id async for reply in replies] == ["bare"]


async def test_a_pattern_can_not_stop_the_server(tmp_path: Path) -> None:
    inner = inmem.InMemory()
    await inner.create(Service("a" * 60 + "!"))
    async with served(cosi_state.StateService(inner, anything), tmp_path) as client:
        found = remote_state.RemoteState(client)
        async with asyncio.timeout(5):
            assert await found.list(Service, query=state.Query(id_pattern="(a+)+$")) == []


SEEDS = {
    "Get": state_pb2.GetRequest(namespace="runtime", type=Service.definition.type, id="a"),
    "List": state_pb2.ListRequest(
        namespace="runtime",
        type=Service.definition.type,
        options=state_pb2.ListOptions(id_query=resource_pb2.IDQuery(regexp="a.*")),
    ),
    "Watch": state_pb2.WatchRequest(
        namespace="runtime", type=Service.definition.type, options=state_pb2.WatchOptions(tail_events=3), api_version=1
    ),
    "Destroy": state_pb2.DestroyRequest(namespace="runtime", type=Service.definition.type, id="a"),
    "Teardown": state_pb2.TeardownRequest(namespace="runtime", type=Service.definition.type, id="a"),
    "TeardownAndDestroy": state_pb2.TeardownAndDestroyRequest(namespace="runtime", type=Service.definition.type),
}


def malformed(name: str, seed: bytes) -> list[bytes]:
    """200 requests: random bytes, pieces of a good one, and a good one with bytes changed."""
    dice = random.Random(name)
    found = [dice.randbytes(dice.randrange(200)) for _ in range(60)]
    found += [seed[: dice.randrange(len(seed) + 1)] for _ in range(40)]
    for _ in range(100):
        changed = bytearray(seed)
        for _ in range(dice.randrange(1, 6)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        found.append(bytes(changed))
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_malformed_requests_have_a_status_and_do_no_harm(tmp_path: Path, name: str) -> None:
    from talos.machinery.resources import wire

    inner = inmem.InMemory()
    whole = wire.encode(await inner.create(up("a")))
    seeds = {
        **SEEDS,
        "Create": state_pb2.CreateRequest(resource=whole),
        "Update": state_pb2.UpdateRequest(
            new_resource=whole, options=state_pb2.UpdateOptions(expected_phase="running")
        ),
    }
    method = methods.method(f"/cosi.resource.State/{name}")
    never = (status.Code.INTERNAL, status.Code.UNKNOWN, status.Code.UNAVAILABLE)
    async with served(cosi_state.StateService(inner, anything), tmp_path) as client:
        for request in malformed(name, seeds[name].SerializeToString()):
            try:
                async with (
                    asyncio.timeout(5),
                    client.raw(method.path, timeout_s=0.05 if name == "Watch" else 5) as call,
                ):
                    await call.send(request, end=True)
                    while await call.receive() is not None:
                        pass
            except status.RpcError as error:
                assert error.code not in never, (request, error)
        await remote_state.RemoteState(client).create(up("after"))
        assert (await inner.get(Service, "after")).spec.running
