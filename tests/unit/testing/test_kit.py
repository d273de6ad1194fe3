"""The test kit itself: a clock turned by hand, and a bench that tells what it found."""

from __future__ import annotations

import asyncio
import datetime

import pytest

from talos.base import clock as clocks
from talos.cosi import controller
from talos.testing import clock, ctest
from tests.unit.cosi.kinds import Number, Text


async def test_sleepers_wake_in_order_each_at_its_moment() -> None:
    time = clock.FakeClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await time.sleep(nap)
            woken.append((name, time.monotonic()))

    tasks = [asyncio.create_task(sleeper("a", 10, 10)), asyncio.create_task(sleeper("b", 5, 10))]
    await time.advance(4)
    assert (woken, time.sleeping) == ([], 2)
    await time.advance(100)
    assert woken == [("b", 5), ("a", 10), ("b", 15), ("a", 20)]
    assert time.monotonic() == 104
    await asyncio.wait(tasks)


async def test_wall_time_can_step() -> None:
    time: clocks.Clock = clock.FakeClock()
    assert isinstance(time, clock.FakeClock)
    first = time.now()
    await time.advance(1.5)
    assert time.now() - first == datetime.timedelta(seconds=1.5)
    time.set_wall(datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC))
    assert time.now().year == 2030
    assert time.monotonic() == 1.5


class Late(controller.Controller):
    """Answers a while after it was asked."""

    inputs = (controller.weak(Number),)
    outputs = (controller.exclusive(Text),)
    track_outputs = False

    async def reconcile(self, r: controller.Handle) -> None:
        for found in await r.list(Number):
            if await r.find(Text, found.id) is None:
                r.wake_after(0.05)
                await r.put(Text(found.id, Text.Spec("soon")))
            else:
                await r.put(Text(found.id, Text.Spec("done")))


async def test_the_bench_waits_for_what_is_expected() -> None:
    async with ctest.bench(Late()) as b:
        await b.put(Number("a"))
        assert (await b.expect(Text, "a", lambda t: t.spec.value == "done")).metadata.owner == Late.name
        assert await b.ids(Text) == ["a"]
        with pytest.raises(AssertionError, match="done"):
            await b.expect(Text, "a", lambda t: t.spec.value == "never", timeout_s=0.1)
        with pytest.raises(AssertionError, match="still there"):
            await b.expect_none(Text, "a", timeout_s=0.1)
