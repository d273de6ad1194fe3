"""One suite for every State: in memory, and over gRPC."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from talos.base import errors
from talos.cosi import inmem, state
from talos.cosi.resource import Phase
from talos.machined.api import cosi_state
from talos.machinery.api import methods
from talos.machinery.client import remote_state
from talos.machinery.resources.v1alpha1 import service
from talos.machinery.rpc import channel, server

Service = service.Service
NAMES = ("Get", "List", "Watch", "Create", "Update", "Destroy", "Teardown", "TeardownAndDestroy")


def anything(cls: Any, namespace: str, verb: str, call: Any) -> None:
    """The rule of a state that is all ours."""


@contextlib.asynccontextmanager
async def remote(path: Path) -> AsyncIterator[remote_state.RemoteState]:
    rpcs = cosi_state.StateService(inmem.InMemory(), anything)
    made = server.Server()
    for name in NAMES:
        method = methods.method(f"/cosi.resource.State/{name}")
        attribute = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")
        made.add(method, getattr(rpcs, attribute))
    await made.serve_unix(path)
    client = channel.Channel.unix(path)
    try:
        yield remote_state.RemoteState(client)
    finally:
        client.close()
        await made.close()


@pytest.fixture(params=["inmem", "remote"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[state.State]:
    if request.param == "inmem":
        yield inmem.InMemory()
        return
    async with remote(tmp_path / "state.sock") as found:
        yield found


def up(id: str, running: bool = True) -> Service:
    return Service(id, Service.Spec(running=running), labels={"kind": "test", "n": str(len(id))})


@pytest.mark.feature("A078", "A080", "D001")
async def test_create_and_get(store: state.State) -> None:
    made = await store.create(up("a"), owner="me")
    assert (made.metadata.version, made.metadata.owner, made.metadata.phase) == (1, "me", Phase.RUNNING)
    found = await store.get(Service, "a")
    assert found == made
    assert found.spec.running
    with pytest.raises(errors.AlreadyExists):
        await store.create(up("a"))


@pytest.mark.feature("D007")
async def test_get_of_nothing_is_not_found(store: state.State) -> None:
    with pytest.raises(errors.NotFound):
        await store.get(Service, "a")


@pytest.mark.feature("D011")
async def test_updates_are_optimistic(store: state.State) -> None:
    first = await store.create(up("a"))
    second = await store.update(first.with_spec(Service.Spec(running=False)))
    assert second.metadata.version == 2
    with pytest.raises(errors.VersionConflict):
        await store.update(first.with_spec(Service.Spec(healthy=True)))
    same = await store.update(second)
    assert same.metadata.version == 2


@pytest.mark.feature("D011")
async def test_only_the_owner_writes(store: state.State) -> None:
    found = await store.create(up("a"), owner="me")
    for attempt in (
        store.update(found.with_spec(Service.Spec()), owner="you"),
        store.destroy(Service, "a", owner="you"),
        store.teardown(Service, "a"),
    ):
        with pytest.raises((errors.OwnerConflict, errors.Denied)):
            await attempt


@pytest.mark.feature("A079")
async def test_list_is_sorted_and_queried(store: state.State) -> None:
    for id in ("bb", "a", "ccc"):
        await store.create(up(id))
    assert [s.id for s in await store.list(Service)] == ["a", "bb", "ccc"]
    longer = state.Query(((state.LabelTerm("n", state.LabelOp.EQUAL, ("1",), invert=True),),))
    assert [s.id for s in await store.list(Service, query=longer)] == ["bb", "ccc"]
    assert [s.id for s in await store.list(Service, query=state.Query(id_pattern="^c"))] == ["ccc"]
    either = state.Query(
        (
            (state.LabelTerm("n", state.LabelOp.IN, ("1", "7")),),
            (state.LabelTerm("n", state.LabelOp.LT_NUMERIC, ("3",)),),
        )
    )
    assert [s.id for s in await store.list(Service, query=either)] == ["a", "bb"]
    assert await store.list(Service, namespace="elsewhere") == []


@pytest.mark.feature("D011", "A084", "A082")
async def test_destruction_has_two_phases(store: state.State) -> None:
    await store.create(up("a"))
    await store.add_finalizer(Service, "a", "reader")
    assert await store.teardown(Service, "a") is False
    assert (await store.get(Service, "a")).metadata.phase is Phase.TEARING_DOWN
    with pytest.raises(errors.PhaseConflict):
        await store.destroy(Service, "a")
    with pytest.raises(errors.PhaseConflict):
        await store.add_finalizer(Service, "a", "late")
    await store.remove_finalizer(Service, "a", "reader")
    assert await store.teardown(Service, "a") is True
    await store.destroy(Service, "a")
    with pytest.raises(errors.NotFound):
        await store.get(Service, "a")
    await store.remove_finalizer(Service, "a", "reader")


@pytest.mark.feature("A085")
async def test_teardown_and_destroy_waits_for_finalizers(store: state.State) -> None:
    await store.create(up("a"))
    await store.add_finalizer(Service, "a", "reader")
    waiting = asyncio.create_task(state.teardown_and_destroy(store, Service, "a", timeout_s=5))
    await state.wait_for(
        store, Service, "a", lambda s: s is not None and s.metadata.phase is Phase.TEARING_DOWN, timeout_s=5
    )
    await store.remove_finalizer(Service, "a", "reader")
    await waiting
    assert await state.find(store, Service, "a") is None


async def collect(events: Any, count: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(5):
        async for batch in events:
            found += [(e.type.name, e.resource.id if e.resource is not None else "") for e in batch]
            if len(found) >= count:
                return found
    return found


@pytest.mark.feature("A083", "D008")
async def test_kind_watch_with_bootstrap(store: state.State) -> None:
    await store.create(up("a"))
    async with store.watch(Service, bootstrap=True) as events:
        changed = await store.create(up("b"))
        await store.update(changed.with_spec(Service.Spec()))
        await store.destroy(Service, "a")
        assert await collect(events, 5) == [
            ("CREATED", "a"), ("BOOTSTRAPPED", ""), ("CREATED", "b"), ("UPDATED", "b"), ("DESTROYED", "a"),
        ]  # fmt: skip


@pytest.mark.feature("D009")
async def test_single_watch_starts_with_the_present(store: state.State) -> None:
    async with store.watch(Service, id="a") as events:
        await store.create(up("a"))
        assert await collect(events, 2) == [("DESTROYED", "a"), ("CREATED", "a")]
    async with store.watch(Service, id="a") as events:
        assert await collect(events, 1) == [("CREATED", "a")]


@pytest.mark.feature("D012")
async def test_tail_and_bookmarks_replay_the_past(store: state.State) -> None:
    for id in "abc":
        await store.create(up(id))
    async with store.watch(Service, tail=2) as events:
        async with asyncio.timeout(5):
            first = (await anext(events))[0]
        assert first.resource is not None
        assert first.resource.id == "b"
    async with store.watch(Service, bookmark=first.bookmark) as events:
        assert await collect(events, 1) == [("CREATED", "c")]
    with pytest.raises(errors.Invalid):
        async with store.watch(Service, bookmark=b"nonsense") as events:
            await anext(events)


async def test_aggregated_watch_sends_many_at_once(store: state.State) -> None:
    async with store.watch(Service, aggregated=True) as events:
        for id in "abcdef":
            await store.create(up(id))
        assert len(await collect(events, 6)) == 6


async def test_leaving_a_filter_looks_like_destruction(store: state.State) -> None:
    query = state.Query(((state.LabelTerm("kind", state.LabelOp.EQUAL, ("test",)),),))
    found = await store.create(up("a"))
    async with store.watch(Service, query=query) as events:
        await store.update(found.with_metadata(found.metadata.replace(labels={})))
        assert await collect(events, 1) == [("DESTROYED", "a")]


async def test_wait_for_times_out(store: state.State) -> None:
    with pytest.raises(errors.TimedOut):
        await state.wait_for(store, Service, "a", lambda s: s is not None, timeout_s=0.1)


@pytest.mark.parametrize("change", [Service.Spec(), Service.Spec(running=True)])
async def test_put_creates_and_updates(store: state.State, change: Any) -> None:
    first = await state.put(store, Service("a", change))
    second = await state.put(store, Service("a", Service.Spec(healthy=True)))
    assert (first.metadata.version, second.metadata.version) == (1, 2)


def people(roles: set[str]) -> Callable[..., None]:
    def rule(cls: Any, namespace: str, verb: str, call: server.Call) -> None:
        call.roles = frozenset(roles)
        cosi_state.for_people(cls, namespace, verb, call)

    return rule


@pytest.mark.feature("D010", "A080", "A081", "A082", "A084", "A085", "P017")
async def test_people_read_only_and_secrets_are_for_admins(tmp_path: Path) -> None:
    from talos.machinery.resources.config import machine_config
    from talos.machinery.resources.secrets import os_root_secret

    inner = inmem.InMemory()
    await inner.create(os_root_secret.OSRootSecret("os", os_root_secret.OSRootSecret.Spec(token="t")))
    await inner.create(machine_config.MachineConfig("v1alpha1"))
    for roles, secret in (({"os:reader"}, False), ({"os:operator"}, False), ({"os:admin"}, True)):
        rpcs = cosi_state.StateService(inner, people(roles))
        path = tmp_path / f"{secret}.sock"
        made = server.Server()
        for name in NAMES:
            attribute = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")
            made.add(methods.method(f"/cosi.resource.State/{name}"), getattr(rpcs, attribute))
        await made.serve_unix(path)
        client = channel.Channel.unix(path)
        found = remote_state.RemoteState(client)
        for cls, id in ((os_root_secret.OSRootSecret, "os"), (machine_config.MachineConfig, "v1alpha1")):
            if secret:
                assert (await found.get(cls, id)).id == id
            else:
                with pytest.raises(errors.Denied):
                    await found.get(cls, id)
        for write in (found.create(up("x")), found.destroy(Service, "x"), found.teardown(Service, "x")):
            with pytest.raises(errors.Denied, match="write access is not allowed"):
                await write
        client.close()
        await made.close()
