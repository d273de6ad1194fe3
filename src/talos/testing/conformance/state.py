"""What every `talos.cosi.state.State` has to do, however it keeps resources.

Subclass `Suite` in a test file and give it a fixture `store` that yields an empty state:

    class TestInMemory(state.Suite):
        @pytest.fixture
        async def store(self) -> AsyncIterator[State]:
            yield inmem.InMemory()
"""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest

from talos.base import errors
from talos.cosi import state
from talos.cosi.resource import Phase
from talos.machinery.resources.v1alpha1 import service

Service = service.Service
State = state.State
TIMEOUT_S = 5.0


def up(id: str, *, running: bool = True) -> Service:
    """Return a resource with labels: kind=test, n=length of the id."""
    return Service(id, Service.Spec(running=running), labels={"kind": "test", "n": str(len(id))})


def labelled(key: str, op: state.LabelOp = state.LabelOp.EXISTS, *values: str, invert: bool = False) -> state.Query:
    """Return the query with one label term."""
    return state.Query(((state.LabelTerm(key, op, values, invert),),))


async def take(events: Any, count: int) -> list[state.Event[Any]]:
    """Return the next events, at least `count`."""
    found: list[state.Event[Any]] = []
    async with asyncio.timeout(TIMEOUT_S):
        async for batch in events:
            found += batch
            if len(found) >= count:
                break
    return found


async def seen(events: Any, count: int) -> list[tuple[str, str]]:
    """Return the next events as (type, id)."""
    return [(e.type.name, e.resource.id if e.resource is not None else "") for e in await take(events, count)]


class Suite:
    """The conformance suite; see the module."""

    # Single resources ------------------------------------------------------------------------------------------------

    @pytest.mark.feature("A078", "A080", "D001")
    async def test_create_and_get(self, store: State) -> None:
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
        made = await store.create(up("a"), owner="me")
        metadata = made.metadata
        assert (metadata.namespace, metadata.type, metadata.id) == ("runtime", "Services.v1alpha1.talos.dev", "a")
        assert (metadata.version, metadata.owner, metadata.phase) == (1, "me", Phase.RUNNING)
        assert metadata.labels == {"kind": "test", "n": "1"}
        assert before <= metadata.created == metadata.updated
        found = await store.get(Service, "a")
        assert found == made
        assert found.spec.running

    async def test_create_refuses_what_exists_and_what_has_no_id(self, store: State) -> None:
        await store.create(up("a"))
        with pytest.raises(errors.AlreadyExists):
            await store.create(up("a"))
        with pytest.raises(errors.Invalid):
            await store.create(up(""))

    @pytest.mark.feature("D007")
    async def test_nothing_is_not_found(self, store: State) -> None:
        for attempt in (
            store.get(Service, "a"),
            store.get(Service, "a", namespace="elsewhere"),
            store.update(up("a")),
            store.teardown(Service, "a"),
            store.destroy(Service, "a"),
            store.add_finalizer(Service, "a", "me"),
        ):
            with pytest.raises(errors.NotFound):
                await attempt
        await store.remove_finalizer(Service, "a", "me")

    async def test_namespaces_are_apart(self, store: State) -> None:
        await store.create(up("a"))
        await store.create(Service("a", Service.Spec(healthy=True), namespace="elsewhere"))
        assert (await store.get(Service, "a")).spec.running
        assert (await store.get(Service, "a", namespace="elsewhere")).spec.healthy
        await store.destroy(Service, "a", namespace="elsewhere")
        assert [s.id for s in await store.list(Service)] == ["a"]

    # Updates ---------------------------------------------------------------------------------------------------------

    @pytest.mark.feature("A081", "D011")
    async def test_updates_are_optimistic(self, store: State) -> None:
        first = await store.create(up("a"))
        second = await store.update(first.with_spec(Service.Spec(running=False)))
        assert second.metadata.version == 2
        assert second.metadata.created == first.metadata.created
        assert second.metadata.updated >= first.metadata.updated
        with pytest.raises(errors.VersionConflict):
            await store.update(first.with_spec(Service.Spec(healthy=True)))

    async def test_equal_content_makes_no_version(self, store: State) -> None:
        first = await store.create(up("a"))
        assert (await store.update(first)).metadata.version == 1
        relabelled = first.with_metadata(first.metadata.replace(labels={"x": "y"}, annotations={"note": "1"}))
        assert (await store.update(relabelled)).metadata.version == 2
        assert (await store.get(Service, "a")).metadata.annotations == {"note": "1"}

    @pytest.mark.feature("D011")
    async def test_only_the_owner_writes(self, store: State) -> None:
        found = await store.create(up("a"), owner="me")
        for attempt in (
            store.update(found.with_spec(Service.Spec()), owner="you"),
            store.update(found.with_spec(Service.Spec())),
            store.destroy(Service, "a", owner="you"),
            store.teardown(Service, "a"),
        ):
            with pytest.raises(errors.OwnerConflict):
                await attempt
        changed = await store.update(found.with_spec(Service.Spec(healthy=True)), owner="me")
        assert changed.metadata.owner == "me"

    @pytest.mark.feature("D011")
    async def test_updates_expect_a_phase(self, store: State) -> None:
        found = await store.create(up("a"))
        await store.teardown(Service, "a")
        torn = await store.get(Service, "a")
        assert torn.metadata.version == found.metadata.version + 1
        with pytest.raises(errors.PhaseConflict):
            await store.update(torn.with_spec(Service.Spec()))
        changed = await store.update(torn.with_spec(Service.Spec()), expected_phase=Phase.TEARING_DOWN)
        assert changed.metadata.phase is Phase.TEARING_DOWN
        assert (await store.update(changed.with_spec(Service.Spec(healthy=True)), expected_phase=None)).spec.healthy

    async def test_no_update_is_lost_among_many(self, store: State) -> None:
        await store.create(Service("a"))

        async def add(key: str) -> None:
            for _ in range(100):
                found = await store.get(Service, "a")
                labels = {**found.metadata.labels, key: "x"}
                try:
                    await store.update(found.with_metadata(found.metadata.replace(labels=labels)))
                except errors.VersionConflict:
                    continue
                return
            raise AssertionError(f"{key} lost every race")

        await asyncio.gather(*(add(f"k{i}") for i in range(8)))
        found = await store.get(Service, "a")
        assert set(found.metadata.labels) == {f"k{i}" for i in range(8)}
        assert found.metadata.version == 9

    @pytest.mark.parametrize("change", [Service.Spec(), Service.Spec(running=True)])
    async def test_put_creates_and_updates(self, store: State, change: Any) -> None:
        first = await state.put(store, Service("a", change))
        second = await state.put(store, Service("a", Service.Spec(healthy=True)))
        assert (first.metadata.version, second.metadata.version) == (1, 2)

    async def test_modify_works_on_the_spec(self, store: State) -> None:
        def heal(spec: Any) -> Any:
            return Service.Spec(running=spec.running, healthy=True)

        with pytest.raises(errors.NotFound):
            await state.modify(store, Service, "a", heal)
        made = await state.modify(store, Service, "a", heal, default=Service.Spec(running=True))
        assert made.spec == Service.Spec(running=True, healthy=True)

    # Lists -----------------------------------------------------------------------------------------------------------

    @pytest.mark.feature("A079")
    async def test_list_is_sorted(self, store: State) -> None:
        for id in ("bb", "a", "ccc"):
            await store.create(up(id))
        assert [s.id for s in await store.list(Service)] == ["a", "bb", "ccc"]
        assert await store.list(Service, namespace="elsewhere") == []

    @pytest.mark.feature("A079")
    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            (state.Query(id_pattern="^c"), ["ccc"]),
            (labelled("kind"), ["a", "bb", "ccc"]),
            (labelled("kind", invert=True), ["bare"]),
            (labelled("n", state.LabelOp.EQUAL, "1"), ["a"]),
            (labelled("n", state.LabelOp.EQUAL, "1", invert=True), ["bare", "bb", "ccc"]),
            (labelled("n", state.LabelOp.IN, "1", "3", "7"), ["a", "ccc"]),
            (labelled("n", state.LabelOp.LT, "2"), ["a"]),
            (labelled("n", state.LabelOp.LTE, "2"), ["a", "bb"]),
            (labelled("n", state.LabelOp.LT_NUMERIC, "10"), ["a", "bb", "ccc"]),
            (labelled("n", state.LabelOp.LTE_NUMERIC, "2"), ["a", "bb"]),
            (labelled("kind", state.LabelOp.LT_NUMERIC, "10"), []),
        ],
    )
    async def test_list_by_query(self, store: State, query: state.Query, ids: list[str]) -> None:
        for id in ("bb", "a", "ccc"):
            await store.create(up(id))
        await store.create(Service("bare"))
        assert [s.id for s in await store.list(Service, query=query)] == ids

    async def test_terms_are_joined_by_and_queries_by_or(self, store: State) -> None:
        for id in ("bb", "a", "ccc"):
            await store.create(up(id))
        one, big = (
            state.LabelTerm("n", state.LabelOp.EQUAL, ("1",)),
            state.LabelTerm("n", state.LabelOp.LT, ("3",), True),
        )
        assert [s.id for s in await store.list(Service, query=state.Query(((one,), (big,))))] == ["a", "ccc"]
        assert await store.list(Service, query=state.Query(((one, big),))) == []

    # Destruction -----------------------------------------------------------------------------------------------------

    @pytest.mark.feature("D011", "A082", "A084")
    async def test_destruction_has_two_phases(self, store: State) -> None:
        await store.create(up("a"))
        await store.add_finalizer(Service, "a", "reader", "other")
        await store.add_finalizer(Service, "a", "reader")
        assert (await store.get(Service, "a")).metadata.finalizers == {"reader", "other"}
        assert await store.teardown(Service, "a") is False
        assert (await store.get(Service, "a")).metadata.phase is Phase.TEARING_DOWN
        with pytest.raises(errors.PhaseConflict):
            await store.destroy(Service, "a")
        with pytest.raises(errors.PhaseConflict):
            await store.add_finalizer(Service, "a", "late")
        await store.remove_finalizer(Service, "a", "reader", "other")
        assert await store.teardown(Service, "a") is True
        await store.destroy(Service, "a")
        with pytest.raises(errors.NotFound):
            await store.get(Service, "a")

    async def test_finalizers_of_owned_resources_are_anybodys(self, store: State) -> None:
        await store.create(up("a"), owner="me")
        await store.add_finalizer(Service, "a", "reader")
        await store.remove_finalizer(Service, "a", "reader")
        assert (await store.get(Service, "a")).metadata.owner == "me"

    async def test_an_id_can_be_used_again(self, store: State) -> None:
        first = await store.create(up("a"))
        await store.update(first.with_spec(Service.Spec()))
        await store.destroy(Service, "a")
        assert (await store.create(up("a"))).metadata.version == 1

    @pytest.mark.feature("A085")
    async def test_teardown_and_destroy_waits_for_finalizers(self, store: State) -> None:
        await store.create(up("a"))
        await store.add_finalizer(Service, "a", "reader")
        waiting = asyncio.create_task(state.teardown_and_destroy(store, Service, "a", timeout_s=TIMEOUT_S))
        await state.wait_for(
            store, Service, "a", lambda s: s is not None and s.metadata.phase is Phase.TEARING_DOWN, timeout_s=TIMEOUT_S
        )
        assert not waiting.done()
        await store.remove_finalizer(Service, "a", "reader")
        await waiting
        assert await state.find(store, Service, "a") is None

    async def test_wait_for_times_out(self, store: State) -> None:
        with pytest.raises(errors.TimedOut):
            await state.wait_for(store, Service, "a", lambda s: s is not None, timeout_s=0.1)

    # Watching a kind -------------------------------------------------------------------------------------------------

    @pytest.mark.feature("A083", "D008")
    async def test_watch_of_a_kind_with_bootstrap(self, store: State) -> None:
        await store.create(up("b"))
        await store.create(up("a"))
        async with store.watch(Service, bootstrap=True) as events:
            changed = await store.create(up("c"))
            await store.update(changed.with_spec(Service.Spec()))
            await store.destroy(Service, "a")
            assert await seen(events, 6) == [
                ("CREATED", "a"), ("CREATED", "b"), ("BOOTSTRAPPED", ""),
                ("CREATED", "c"), ("UPDATED", "c"), ("DESTROYED", "a"),
            ]  # fmt: skip

    async def test_an_update_carries_what_was_before(self, store: State) -> None:
        found = await store.create(up("a"))
        async with store.watch(Service) as events:
            await store.update(found.with_spec(Service.Spec(healthy=True)))
            (event,) = await take(events, 1)
        assert event.type is state.EventType.UPDATED
        assert event.old == found
        assert event.resource is not None
        assert event.resource.spec.healthy

    async def test_watch_without_bootstrap_tells_news_only(self, store: State) -> None:
        await store.create(up("a"))
        async with store.watch(Service) as events:
            await store.create(up("b"))
            await store.create(Service("c", namespace="elsewhere"))
            await store.create(up("d"))
            assert await seen(events, 2) == [("CREATED", "b"), ("CREATED", "d")]

    async def test_aggregated_watch_loses_nothing(self, store: State) -> None:
        await store.create(up("a"))
        async with store.watch(Service, bootstrap=True, aggregated=True) as events:
            for id in "bcdef":
                await store.create(up(id))
            assert [id for _, id in await seen(events, 7)] == ["a", "", "b", "c", "d", "e", "f"]

    async def test_leaving_and_entering_a_filter(self, store: State) -> None:
        found = await store.create(up("a"))
        await store.create(Service("z"))
        async with store.watch(Service, query=labelled("kind"), bootstrap=True) as events:
            out = await store.update(found.with_metadata(found.metadata.replace(labels={})))
            changed = await store.update(out.with_spec(Service.Spec(healthy=True)))
            await store.update(changed.with_metadata(changed.metadata.replace(labels={"kind": "again"})))
            assert await seen(events, 4) == [
                ("CREATED", "a"),
                ("BOOTSTRAPPED", ""),
                ("DESTROYED", "a"),
                ("CREATED", "a"),
            ]

    # Watching one resource -------------------------------------------------------------------------------------------

    @pytest.mark.feature("D009")
    async def test_watch_of_one_starts_with_the_present(self, store: State) -> None:
        async with store.watch(Service, id="a") as events:
            await store.create(up("b"))
            await store.create(up("a"))
            first, second = await take(events, 2)
        assert first.type is state.EventType.DESTROYED
        assert first.resource is not None
        assert (first.resource.id, first.resource.metadata.version, first.resource.spec) == ("a", 0, None)
        assert (second.type, second.resource) == (state.EventType.CREATED, await store.get(Service, "a"))
        async with store.watch(Service, id="a") as events:
            assert await seen(events, 1) == [("CREATED", "a")]

    # Tails and bookmarks ---------------------------------------------------------------------------------------------

    @pytest.mark.feature("D008", "D012")
    async def test_tail_and_bookmarks_replay_the_past(self, store: State) -> None:
        for id in "abc":
            await store.create(up(id))
        async with store.watch(Service, tail=2) as events:
            first = (await take(events, 1))[0]
        assert first.resource is not None
        assert first.resource.id == "b"
        async with store.watch(Service, bookmark=first.bookmark) as events:
            assert await seen(events, 1) == [("CREATED", "c")]

    async def test_tail_of_one_counts_its_own_events(self, store: State) -> None:
        found = await store.create(up("a"))
        await store.update(found.with_spec(Service.Spec()))
        for id in "bcdef":
            await store.create(up(id))
        async with store.watch(Service, id="a", tail=1) as events:
            assert await seen(events, 1) == [("UPDATED", "a")]
        async with store.watch(Service, id="a", tail=100) as events:
            assert await seen(events, 2) == [("CREATED", "a"), ("UPDATED", "a")]

    @pytest.mark.parametrize("options", [{"bootstrap": True}, {"bootstrap_bookmark": True}])
    async def test_the_start_of_a_watch_can_be_marked(self, store: State, options: dict[str, bool]) -> None:
        await store.create(up("a"))
        async with store.watch(Service, **options) as events:  # type: ignore[arg-type]
            mark = (await take(events, 2 if "bootstrap" in options else 1))[-1]
        assert mark.bookmark
        assert mark.type in (state.EventType.BOOTSTRAPPED, state.EventType.NOOP)
        await store.create(up("b"))
        async with store.watch(Service, bookmark=mark.bookmark) as events:
            assert await seen(events, 1) == [("CREATED", "b")]

    async def test_bookmarks_that_can_not_be_used_are_refused(self, store: State) -> None:
        await store.create(up("a"))
        async with store.watch(Service, tail=1) as events:
            mark = (await take(events, 1))[0].bookmark
        for wrong in (b"nonsense", b"", bytes([mark[0] ^ 0xFF]) + mark[1:], mark[:-1] + bytes([mark[-1] ^ 0xFF])):
            with pytest.raises(errors.Invalid):
                async with store.watch(Service, bookmark=wrong) as events:
                    await take(events, 1)

    @pytest.mark.parametrize(
        "options",
        [{"bootstrap": True, "tail": 1}, {"bootstrap": True, "bookmark": b"x"}, {"tail": 1, "bookmark": b"x"}],
    )
    async def test_a_watch_begins_in_one_way(self, store: State, options: dict[str, Any]) -> None:
        with pytest.raises(errors.Invalid):
            async with store.watch(Service, **options) as events:
                await take(events, 1)
