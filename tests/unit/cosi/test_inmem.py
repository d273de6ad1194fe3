"""The in-memory state against a model, and its bounded history."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos.base import errors
from talos.cosi import inmem, state
from talos.cosi.resource import Phase
from tests.unit.cosi.kinds import Number

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "teardown", "destroy", "hold", "release"]),
        st.sampled_from("abc"),
        st.integers(0, 3),
    ),
    max_size=40,
)


async def apply(store: inmem.InMemory, name: str, id: str, value: int) -> None:
    match name:
        case "create":
            await store.create(Number(id, Number.Spec(value)))
        case "update":
            await store.update((await store.get(Number, id)).with_spec(Number.Spec(value)))
        case "teardown":
            await store.teardown(Number, id)
        case "destroy":
            await store.destroy(Number, id)
        case "hold":
            await store.add_finalizer(Number, id, f"f{value}")
        case "release":
            await store.remove_finalizer(Number, id, f"f{value}")


def expected(model: dict[str, Any], name: str, id: str, value: int) -> bool:
    """Change the model; return whether the operation is allowed."""
    found = model.get(id)
    if name == "create":
        if found is None:
            model[id] = {"value": value, "version": 1, "phase": Phase.RUNNING, "held": set()}
        return found is None
    if found is None:
        return name == "release"
    before = (found["value"], found["phase"], frozenset(found["held"]))
    running = found["phase"] is Phase.RUNNING
    match name:
        case "update":
            if not running:
                return False
            found["value"] = value
        case "teardown":
            found["phase"] = Phase.TEARING_DOWN
        case "destroy":
            if found["held"]:
                return False
            del model[id]
            return True
        case "hold":
            if not running and f"f{value}" not in found["held"]:
                return False
            found["held"].add(f"f{value}")
        case "release":
            found["held"].discard(f"f{value}")
    found["version"] += before != (found["value"], found["phase"], frozenset(found["held"]))
    return True


def shape(res: Number) -> tuple[Any, ...]:
    return res.spec.value, res.metadata.version, res.metadata.phase, set(res.metadata.finalizers)


@settings(max_examples=200, deadline=None)
@given(OPERATIONS, st.integers(0, 40))
async def test_follows_the_model_and_tells_watchers_everything(
    operations: list[tuple[str, str, int]], resume_at: int
) -> None:
    store, model = inmem.InMemory(), {}
    async with store.watch(Number, aggregated=True, bootstrap_bookmark=True) as events:
        for operation in operations:
            allowed = expected(model, *operation)
            try:
                await apply(store, *operation)
            except (errors.NotFound, errors.Conflict):
                assert not allowed, operation
            else:
                assert allowed, operation
        stored = {res.id: shape(res) for res in await store.list(Number)}
        assert stored == {id: (m["value"], m["version"], m["phase"], m["held"]) for id, m in model.items()}
        await store.create(Number("zz"))
        seen = await until(events, "zz")
    assert replay(seen).keys() - {"zz"} == stored.keys()
    assert {id: shape(res) for id, res in replay(seen).items() if id != "zz"} == stored
    at = min(resume_at, len(seen) - 2)
    async with store.watch(Number, bookmark=seen[at].bookmark, aggregated=True) as events:
        assert await until(events, "zz") == seen[at + 1 :]


async def until(events: Any, id: str) -> list[state.Event[Number]]:
    found: list[state.Event[Number]] = []
    async with asyncio.timeout(5):
        async for batch in events:
            found += batch
            if found[-1].resource is not None and found[-1].resource.id == id:
                break
    return found


def replay(events: list[state.Event[Number]]) -> dict[str, Number]:
    """What a reader knows who has applied all events."""
    known: dict[str, Number] = {}
    for event in events:
        if event.resource is None:
            continue
        id = event.resource.id
        match event.type:
            case state.EventType.CREATED:
                assert id not in known
                known[id] = event.resource
            case state.EventType.UPDATED:
                assert event.old == known[id]
                known[id] = event.resource
            case _:
                assert known.pop(id) == event.resource
    return known


@pytest.mark.feature("D012")
async def test_a_watcher_that_falls_behind_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inmem, "HISTORY", 4)
    store = inmem.InMemory()
    async with store.watch(Number) as events:
        for i in range(5):
            await store.create(Number(str(i)))
        async with asyncio.timeout(5):
            ((event,),) = [batch async for batch in events]
    assert event.type is state.EventType.ERRORED
    assert isinstance(event.error, errors.Temporary)


@pytest.mark.feature("D012")
async def test_old_events_are_kept_only_for_those_who_have_not_seen_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inmem, "HISTORY_S", -1.0)
    store = inmem.InMemory()
    for i in range(100):
        await store.create(Number(f"{i:03}"))
    with pytest.raises(errors.TimedOut):
        async with store.watch(Number, tail=100) as events:
            await count(events, 2)
    async with store.watch(Number) as events:
        for i in range(100, 200):
            await store.create(Number(f"{i:03}"))
        assert await count(events, 100) == 100


async def count(events: Any, wanted: int) -> int:
    found = 0
    try:
        async with asyncio.timeout(0.2):
            async for batch in events:
                found += len(batch)
                if found >= wanted:
                    return found
    except TimeoutError as error:
        raise errors.TimedOut(f"{found} of {wanted}") from error
    return found


async def test_bookmarks_of_another_state_are_refused() -> None:
    first, second = inmem.InMemory(), inmem.InMemory()
    for store in (first, second):
        await store.create(Number("a"))
    async with first.watch(Number, tail=1) as events:
        mark = (await anext(events))[0].bookmark
    with pytest.raises(errors.Invalid):
        async with second.watch(Number, bookmark=mark):
            pass
