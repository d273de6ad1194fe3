"""The discovery registry: merging, limits, expiry, watches."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from talos.base import errors
from talos.provision import discovery
from talos.provision.discovery import Affiliate, Change, Registry


class HandClock:
    """Time that is turned by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.time, datetime.UTC)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@asynccontextmanager
async def watching(registry: Registry, cluster: str = "c") -> AsyncIterator[asyncio.Queue[Change]]:
    found: asyncio.Queue[Change] = asyncio.Queue()

    async def read() -> None:
        async for change in registry.watch(cluster):
            found.put_nowait(change)

    task = asyncio.create_task(read())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def following(queue: asyncio.Queue[Change]) -> Change:
    return await asyncio.wait_for(queue.get(), 5)


def test_data_is_replaced_and_endpoints_add_up() -> None:
    registry = Registry()
    registry.update("c", "a", b"one", [b"e1"], 60)
    registry.update("c", "a", None, [b"e2", b"e1"], 60)
    registry.update("c", "a", b"two", [], 60)
    registry.update("other", "a", b"x", [], 60)
    assert registry.affiliates("c") == (Affiliate("a", b"two", (b"e1", b"e2")),)
    registry.delete("c", "a")
    registry.delete("c", "a")
    assert registry.affiliates("c") == ()
    assert registry.affiliates("other") == (Affiliate("a", b"x"),)


def test_things_expire_by_themselves() -> None:
    clock = HandClock()
    registry = Registry(clock)
    registry.update("c", "a", b"one", [b"e1"], 60)
    clock.time += 30
    registry.update("c", "a", None, [b"e2"], 10)
    registry.update("c", "b", b"two", [], 60)
    assert registry.expire() == pytest.approx(10)
    clock.time += 11
    assert registry.expire() == pytest.approx(19)
    assert registry.affiliates("c")[0] == Affiliate("a", b"one", (b"e1",))
    clock.time += 20
    registry.expire()
    assert [one.id for one in registry.affiliates("c")] == ["b"]
    clock.time += 60
    assert registry.expire() is None
    assert registry.affiliates("c") == ()
    assert registry._clusters == {}


def test_refreshing_for_ever_keeps_no_old_deadlines() -> None:
    clock = HandClock()
    registry = Registry(clock)
    for _ in range(5000):
        registry.update("c", "a", b"one", [b"e1"], 60)
        clock.time += 1
        registry.expire()
    assert len(registry._deadlines) < 200
    assert registry.affiliates("c") == (Affiliate("a", b"one", (b"e1",)),)


@pytest.mark.parametrize(
    ("cluster", "affiliate", "data", "endpoints", "ttl"),
    [
        ("", "a", b"x", [], 60),
        ("c" * 257, "a", b"x", [], 60),
        ("c", "", b"x", [], 60),
        ("c", "a" * 257, b"x", [], 60),
        ("c", "a", b"", [], 60),
        ("c", "a", b"x" * 2049, [], 60),
        ("c", "a", b"x", [b"e" * 33], 60),
        ("c", "a", b"x", [bytes([i]) for i in range(65)], 60),
        ("c", "a", b"x", [], 0),
        ("c", "a", b"x", [], 1801),
    ],
)
def test_limits(cluster: str, affiliate: str, data: bytes, endpoints: list[bytes], ttl: float) -> None:
    registry = Registry()
    with pytest.raises(errors.Invalid):
        registry.update(cluster, affiliate, data, endpoints, ttl)
    assert registry._clusters == {}


def test_a_cluster_is_bounded() -> None:
    registry = Registry()
    for i in range(discovery.CLUSTER_AFFILIATES_MAX):
        registry.update("c", str(i), b"x", [], 60)
    with pytest.raises(errors.Invalid):
        registry.update("c", "one more", b"x", [], 60)
    registry.update("c", "7", b"y", [], 60)
    registry.update("c", "7", None, [bytes([i]) for i in range(60)], 60)
    with pytest.raises(errors.Invalid):
        registry.update("c", "7", None, [bytes([i]) for i in range(100, 110)], 60)


async def test_a_watch_starts_with_all_and_then_tells_each_change_once() -> None:
    clock = HandClock()
    registry = Registry(clock)
    registry.update("c", "a", b"one", [], 60)
    async with watching(registry) as changes, watching(registry, "other") as others:
        assert await following(changes) == Change((Affiliate("a", b"one"),))
        assert await following(others) == Change(())
        registry.update("c", "a", b"one", [], 60)
        registry.update("c", "b", b"two", [b"e"], 60)
        registry.update("c", "a", b"three", [], 60)
        assert await following(changes) == Change((Affiliate("b", b"two", (b"e",)),))
        assert await following(changes) == Change((Affiliate("a", b"three"),))
        registry.delete("c", "b")
        assert await following(changes) == Change((Affiliate("b"),), deleted=True)
        clock.time += 61
        registry.expire()
        assert await following(changes) == Change((Affiliate("a"),), deleted=True)
        assert others.empty()
    assert registry._clusters == {}


async def test_a_watch_that_does_not_read_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "WATCH_BACKLOG", 4)
    registry = Registry()
    watch = registry.watch("c")
    assert await anext(watch) == Change(())
    for i in range(10):
        registry.update("c", str(i), b"x", [], 60)
    assert len([change async for change in watch]) == 3
    assert registry._watches == 0


async def test_the_expiry_task_sleeps_until_the_next_deadline() -> None:
    service = discovery.Service()
    task = asyncio.create_task(service.expire())
    async with watching(service.registry) as changes:
        await following(changes)
        service.registry.update("c", "a", b"x", [], 60)
        service.registry.update("c", "b", b"x", [], 0.05)
        await following(changes)
        await following(changes)
        assert await following(changes) == Change((Affiliate("b"),), deleted=True)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
