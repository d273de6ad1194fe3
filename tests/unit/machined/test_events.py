import asyncio
import time

import pytest

from talos.base import errors
from talos.machined import events
from talos.machinery.api._generated.machine import machine_pb2


def _phase(name: str) -> machine_pb2.PhaseEvent:
    return machine_pb2.PhaseEvent(phase=name)


async def _take(bus: events.EventBus, start: events.Start, count: int, actor_id: str = "") -> list[str]:
    taken: list[str] = []
    async with asyncio.timeout(2):
        async for event in bus.follow(start, actor_id):
            assert isinstance(event.payload, machine_pb2.PhaseEvent)
            taken.append(event.payload.phase)
            if len(taken) == count:
                break
    return taken


@pytest.mark.feature("Q007")
async def test_ids_are_xids_and_sort_by_time() -> None:
    bus = events.EventBus()
    for number in range(300):
        bus.publish(_phase(str(number)))
    ids = [event.id for event in bus._ring]
    assert ids == sorted(ids)
    assert len(set(ids)) == 300
    assert all(len(one) == 20 and set(one) <= set("0123456789abcdefghijklmnopqrstuv") for one in ids)


@pytest.mark.feature("Q007")
async def test_the_ring_keeps_the_last_thousand() -> None:
    bus = events.EventBus()
    for number in range(1500):
        bus.publish(_phase(str(number)))
    assert (await _take(bus, events.Start(tail_events=-1), 1000))[0] == "500"
    assert await _take(bus, events.Start(tail_events=2), 2) == ["1498", "1499"]


@pytest.mark.feature("Q007")
async def test_tail_by_id_and_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = events.EventBus()
    now = time.time()
    for age in (100, 50, 10):
        monkeypatch.setattr(time, "time", lambda age=age: now - age)
        bus.publish(_phase(str(age)))
    monkeypatch.setattr(time, "time", lambda: now)
    first = bus._ring[0].id
    assert await _take(bus, events.Start(tail_id=first), 2) == ["50", "10"]
    assert await _take(bus, events.Start(tail_seconds=60), 2) == ["50", "10"]
    with pytest.raises(errors.NotFound):
        await _take(bus, events.Start(tail_id="0" * 20), 1)


@pytest.mark.feature("Q007")
async def test_followers_see_what_comes_and_only_their_actor() -> None:
    bus = events.EventBus()
    bus.publish(_phase("before"))
    waiting = asyncio.create_task(_take(bus, events.Start(), 2, "me"))
    await asyncio.sleep(0)
    for name, actor in (("a", "me"), ("b", "other"), ("c", "me")):
        bus.publish(_phase(name), actor)
        await asyncio.sleep(0)
    assert await waiting == ["a", "c"]


async def test_a_slow_follower_is_told_that_it_lost_events() -> None:
    bus = events.EventBus(capacity=10)
    follower = bus.follow(events.Start(tail_events=-1))
    bus.publish(_phase("0"))
    await anext(follower)
    for number in range(20):
        bus.publish(_phase(str(number)))
    with pytest.raises(errors.Temporary, match="lost"):
        async for _ in follower:
            pass


@pytest.mark.feature("Q008")
def test_type_url_is_the_originals() -> None:
    event = events.Event(_phase("x"), "", "", 0)
    assert event.type_url == "talos/runtime/machine.PhaseEvent"
