import asyncio
from pathlib import Path

import pytest

from talos.base import errors
from talos.provision import plan, request, state
from talos.provision.state import Cluster, Store


class Fake(plan.Step):
    def __init__(self, key: str, *after: str, fails: bool = False, wait: asyncio.Event | None = None) -> None:
        self.key, self.title, self.after = key, key, after
        self.fails, self.wait = fails, wait
        self.log: list[str] = []

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        self.log.append("do")
        assert self.key in cluster.store.load(cluster.name).state.recorded, "recorded on disk before it is done"
        if self.wait:
            await self.wait.wait()
        if self.fails:
            raise OSError(28, "No space left on device")

    async def undo(self, cluster: Cluster) -> None:
        self.log.append("undo")


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Store(tmp_path).create(request.build(name="a"))


async def test_order_and_record(cluster: Cluster) -> None:
    order: list[str] = []

    class Noted(Fake):
        async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
            order.append(self.key)

    await plan.do([Noted("c", "a", "b"), Noted("b", "a"), Noted("a", "elsewhere")], cluster, plan.Quiet())
    assert order == ["a", "b", "c"]
    assert cluster.store.load("a").state.recorded == ("a", "b", "c")


async def test_independent_steps_run_side_by_side(cluster: Cluster) -> None:
    event = asyncio.Event()

    class Sets(Fake):
        async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
            event.set()

    async with asyncio.timeout(5):
        await plan.do([Fake("waits", wait=event), Sets("sets")], cluster, plan.Quiet())


async def test_a_failure_cancels_the_rest_and_names_its_step(cluster: Cluster) -> None:
    slow, late = Fake("slow", wait=asyncio.Event()), Fake("late", "bad")
    with pytest.raises(plan.StepFailed, match=r"bad: .*No space left") as caught:
        await plan.do([slow, Fake("bad", fails=True), late], cluster, plan.Quiet())
    assert caught.value.step.key == "bad"
    assert late.log == []
    assert set(cluster.state.recorded) == {"slow", "bad"}


async def test_undo_goes_backwards_over_what_is_recorded(cluster: Cluster) -> None:
    order: list[str] = []

    class Noted(Fake):
        async def undo(self, cluster: Cluster) -> None:
            order.append(self.key)

    for key in ("a", "c"):
        cluster.record(key)
    assert await plan.undo([Noted("a"), Noted("b", "a"), Noted("c", "b")], cluster) == []
    assert order == ["c", "a"]
    assert cluster.store.load("a").state.recorded == ()


async def test_undo_stops_at_a_failure_unless_forced(cluster: Cluster) -> None:
    class Stuck(Fake):
        async def undo(self, cluster: Cluster) -> None:
            raise errors.TimedOut("busy")

    first, stuck = Fake("first"), Stuck("stuck", "first")
    cluster.record("first")
    cluster.record("stuck")
    failures = await plan.undo([first, stuck], cluster)
    assert [str(f) for f in failures] == ["busy"]
    assert first.log == []
    assert set(cluster.state.recorded) == {"first", "stuck"}
    assert len(await plan.undo([first, stuck], cluster, force=True)) == 1
    assert first.log == ["undo"]
    assert cluster.state.recorded == ("stuck",)


def test_circles_are_refused() -> None:
    with pytest.raises(errors.Invalid, match="wait for each other"):
        plan.levels([Fake("a", "b"), Fake("b", "a")])


async def test_waiting_steps_are_not_recorded(cluster: Cluster) -> None:
    class Waits(Fake):
        recorded = False

        async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
            pass

    await plan.do([Waits("w")], cluster, plan.Quiet())
    assert cluster.state.recorded == ()
    assert state.Phase.CREATING is cluster.state.phase
