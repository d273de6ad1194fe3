"""The controller runtime: declarations, output tracking, back-off, finalizers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from talos.base import errors
from talos.cosi import _handle, controller, inmem, runtime, state
from talos.cosi.generic import transform
from talos.cosi.resource import Phase
from tests.unit.cosi.kinds import Number, Text


@contextlib.asynccontextmanager
async def running(store: inmem.InMemory, *controllers: controller.Controller) -> AsyncIterator[runtime.Runtime]:
    rt = runtime.Runtime(store)
    for c in controllers:
        rt.register(c)
    task = asyncio.create_task(rt.run())
    await asyncio.sleep(0)
    await rt.wait_idle()
    try:
        yield rt
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Spell(controller.Controller):
    inputs = (controller.weak(Number),)
    outputs = (controller.exclusive(Text),)

    async def reconcile(self, r: controller.Handle) -> None:
        for number in await r.list(Number):
            await r.put(Text(number.id, Text.Spec(str(number.spec.value))))


@pytest.mark.feature("D016")
async def test_outputs_follow_inputs_and_are_cleaned_up() -> None:
    store = inmem.InMemory()
    async with running(store, Spell()) as rt:
        await store.create(Number("a", Number.Spec(1)))
        await store.create(Number("b", Number.Spec(2)))
        await rt.wait_idle()
        assert [(t.id, t.spec.value, t.metadata.owner) for t in await store.list(Text)] == [
            ("a", "1", Spell.name),
            ("b", "2", Spell.name),
        ]
        await store.teardown(Number, "a")
        await store.destroy(Number, "a")
        await rt.wait_idle()
        assert [t.id for t in await store.list(Text)] == ["b"]


async def test_equal_content_makes_no_new_version() -> None:
    store = inmem.InMemory()
    async with running(store, Spell()) as rt:
        await store.create(Number("a", Number.Spec(1)))
        await rt.wait_idle()
        await state.modify(store, Number, "a", lambda spec: Number.Spec(spec.value))
        await store.create(Number("b", Number.Spec(1)))
        await rt.wait_idle()
        assert (await store.get(Text, "a")).metadata.version == 1


@pytest.mark.feature("D016")
async def test_undeclared_access_is_refused() -> None:
    class Sneaky(controller.Controller):
        inputs = (controller.weak(Number, id="mine"),)
        seen: ClassVar[list[str]] = []

        async def reconcile(self, r: controller.Handle) -> None:
            for attempt in (
                r.list(Number),
                r.get(Number, "other"),
                r.get(Text, "x"),
                r.put(Text("x")),
                r.add_finalizer(Number, "mine"),
            ):
                with pytest.raises(controller.UndeclaredAccess):
                    await attempt
                self.seen.append("refused")

    async with running(inmem.InMemory(), Sneaky()):
        assert len(Sneaky.seen) == 5


async def test_two_exclusive_writers_are_refused() -> None:
    class Other(controller.Controller):
        outputs = (controller.shared(Text),)

    rt = runtime.Runtime(inmem.InMemory())
    rt.register(Spell())
    with pytest.raises(errors.Conflict):
        rt.register(Other())


@pytest.mark.feature("D016")
async def test_failures_back_off_and_recover_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_handle, "BACKOFF_FIRST_S", 0.01)

    class Flaky(controller.Controller):
        inputs = (controller.weak(Number),)
        outputs = (controller.shared(Text),)
        tries = 0

        async def reconcile(self, r: controller.Handle) -> None:
            Flaky.tries += 1
            if Flaky.tries < 4:
                raise RuntimeError("not today")
            await r.put(Text("done"))

    store = inmem.InMemory()
    async with running(store, Flaky()):
        await state.wait_for(store, Text, "done", lambda t: t is not None, timeout_s=5)
    assert Flaky.tries == 4


async def test_not_ready_waits_for_the_next_event() -> None:
    class Waits(controller.Controller):
        inputs = (controller.weak(Number),)
        outputs = (controller.shared(Text),)
        tries = 0

        async def reconcile(self, r: controller.Handle) -> None:
            Waits.tries += 1
            if await r.find(Number, "go") is None:
                raise errors.NotReady("no go yet")
            await r.put(Text("went"))

    store = inmem.InMemory()
    async with running(store, Waits()) as rt:
        before = Waits.tries
        await asyncio.sleep(0.05)
        assert Waits.tries == before
        await store.create(Number("go"))
        await rt.wait_idle()
        assert await state.find(store, Text, "went") is not None


class Held(transform.Transform[Number, Text]):
    source = Number
    target = Text
    finalizers = True

    def __init__(self) -> None:
        self.finalized: list[str] = []

    async def transform(self, r: controller.Handle, source: Number) -> Text:
        return Text(source.id, Text.Spec("#" * source.spec.value))

    async def finalize(self, r: controller.Handle, source: Number) -> None:
        self.finalized.append(source.id)


@pytest.mark.feature("D011", "D016")
async def test_transform_holds_its_input_until_the_output_is_gone() -> None:
    store = inmem.InMemory()
    held = Held()
    async with running(store, held) as rt:
        await store.create(Number("a", Number.Spec(3)))
        await rt.wait_idle()
        assert (await store.get(Text, "a")).spec.value == "###"
        await store.add_finalizer(Text, "a", "reader")
        assert await store.teardown(Number, "a") is False
        await rt.wait_idle()
        assert (await store.get(Text, "a")).metadata.phase is Phase.TEARING_DOWN
        assert held.finalized == []
        await store.remove_finalizer(Text, "a", "reader")
        await rt.wait_idle()
        assert held.finalized == ["a"]
        assert not (await store.get(Number, "a")).metadata.finalizers
        await store.destroy(Number, "a")


@pytest.mark.feature("D017")
async def test_dependency_graph_lists_every_declaration() -> None:
    rt = runtime.Runtime(inmem.InMemory())
    rt.register(Held())
    edges = {(e.kind.name, e.type) for e in rt.dependency_graph()}
    assert edges == {
        ("EXCLUSIVE", "Texts.test.talos.dev"),
        ("STRONG", "Numbers.test.talos.dev"),
        ("DESTROY_READY", "Texts.test.talos.dev"),
    }


async def test_crash_of_run_is_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_handle, "BACKOFF_FIRST_S", 0.01)

    class Watcher(controller.Controller):
        outputs = (controller.shared(Text),)
        starts = 0

        async def run(self, r: controller.Handle) -> None:
            Watcher.starts += 1
            if Watcher.starts == 1:
                raise OSError("socket closed")
            await r.put(Text("up"))
            await asyncio.Event().wait()

    store = inmem.InMemory()
    rt = runtime.Runtime(store)
    rt.register(Watcher())
    task = asyncio.create_task(rt.run())
    await state.wait_for(store, Text, "up", lambda t: t is not None, timeout_s=5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


class Numbered(controller.Controller):
    """Puts Text("out") with the value of Number("in"), if there is one."""

    inputs = (controller.weak(Number),)
    outputs = (controller.exclusive(Text),)

    async def reconcile(self, r: controller.Handle) -> None:
        if (found := await r.find(Number, "in")) is not None:
            await r.put(Text("out", Text.Spec(str(found.spec.value))))


@pytest.mark.feature("D011", "D016")
async def test_an_output_wanted_again_while_held_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    store = inmem.InMemory()
    async with running(store, Numbered()) as rt:
        await store.create(Number("in", Number.Spec(1)))
        await rt.wait_idle()
        await store.add_finalizer(Text, "out", "reader")
        await store.destroy(Number, "in")
        await rt.wait_idle()
        await store.create(Number("in", Number.Spec(2)))
        await rt.wait_idle()
        assert (await store.get(Text, "out")).metadata.phase is Phase.TEARING_DOWN
        await store.remove_finalizer(Text, "out", "reader")
        await rt.wait_idle()
        out = await store.get(Text, "out")
        assert (out.spec.value, out.metadata.phase, out.metadata.version) == ("2", Phase.RUNNING, 1)
    assert not caplog.records


async def test_an_unwanted_output_goes_when_its_reader_lets_go() -> None:
    """Without any declaration about it."""
    store = inmem.InMemory()
    async with running(store, Numbered()) as rt:
        await store.create(Number("in", Number.Spec(1)))
        await rt.wait_idle()
        await store.add_finalizer(Text, "out", "reader")
        await store.destroy(Number, "in")
        await rt.wait_idle()
        await store.remove_finalizer(Text, "out", "reader")
        await rt.wait_idle()
        assert await store.list(Text) == []


@pytest.mark.feature("D016")
async def test_a_controller_that_fails_at_its_own_events_is_held_back() -> None:
    class Loop(controller.Controller):
        inputs = (controller.weak(Text),)
        outputs = (controller.shared(Text),)
        tries = 0

        async def reconcile(self, r: controller.Handle) -> None:
            Loop.tries += 1
            await r.put(Text("count", Text.Spec(str(Loop.tries))))
            raise OSError("always")

    rt = runtime.Runtime(inmem.InMemory())
    rt.register(Loop())
    task = asyncio.create_task(rt.run())
    await asyncio.sleep(0.4)
    task.cancel()
    await asyncio.wait([task])
    assert 2 <= Loop.tries <= 6


async def test_the_earliest_timer_wins() -> None:
    class Timed(controller.Controller):
        times: ClassVar[list[float]] = []

        async def reconcile(self, r: controller.Handle) -> None:
            Timed.times.append(asyncio.get_running_loop().time())
            if len(Timed.times) == 1:
                r.wake_after(30)
                r.wake_after(0.05)
                r.wake_after(10)

    async with running(inmem.InMemory(), Timed()):
        await asyncio.sleep(0.2)
    assert len(Timed.times) == 2
    assert 0.04 <= Timed.times[1] - Timed.times[0] <= 0.19


async def test_inputs_can_change_while_running() -> None:
    class Chooses(controller.Controller):
        inputs = (controller.weak(Number, id="which"),)
        outputs = (controller.exclusive(Text),)

        async def reconcile(self, r: controller.Handle) -> None:
            which = await r.find(Number, "which")
            if which is None:
                return
            r.set_inputs((*self.inputs, controller.weak(Number, namespace=f"n{which.spec.value}")))
            found = await r.list(Number, namespace=f"n{which.spec.value}")
            await r.put(Text("sum", Text.Spec(str(sum(n.spec.value for n in found)))))

    store = inmem.InMemory()
    async with running(store, Chooses()) as rt:
        await store.create(Number("which", Number.Spec(1)))
        await rt.wait_idle()
        await store.create(Number("a", Number.Spec(5), namespace="n1"))
        await rt.wait_idle()
        assert (await store.get(Text, "sum")).spec.value == "5"
        assert ("n1", "Numbers.test.talos.dev") in {(e.namespace, e.type) for e in rt.dependency_graph()}


async def test_controllers_can_join_later() -> None:
    store = inmem.InMemory()
    await store.create(Number("a", Number.Spec(1)))
    async with running(store) as rt:
        rt.register(Spell())
        await rt.wait_idle()
        assert [t.id for t in await store.list(Text)] == ["a"]


async def test_a_watch_that_breaks_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking(inmem.InMemory):
        watches = 0

        def watch(self, cls: Any, **options: Any) -> Any:
            Breaking.watches += 1
            if Breaking.watches == 1:
                raise errors.Temporary("connection lost")
            return super().watch(cls, **options)

    monkeypatch.setattr(runtime, "WATCH_AGAIN_S", 0.01)
    store = Breaking()
    async with running(store, Spell()):
        await store.create(Number("a", Number.Spec(1)))
        await state.wait_for(store, Text, "a", lambda t: t is not None, timeout_s=5)


async def test_a_controller_may_own_outputs_in_several_namespaces() -> None:
    class Two(controller.Controller):
        inputs = (controller.weak(Number),)
        outputs = (controller.exclusive(Text),)

        async def reconcile(self, r: controller.Handle) -> None:
            for found in await r.list(Number):
                await r.put(Text(found.id, namespace=f"n{found.spec.value}"))

    store = inmem.InMemory()
    async with running(store, Two()) as rt:
        await store.create(Number("a", Number.Spec(1)))
        await rt.wait_idle()
        await state.modify(store, Number, "a", lambda _: Number.Spec(2))
        await rt.wait_idle()
        assert await store.list(Text, namespace="n1") == []
        assert [t.id for t in await store.list(Text, namespace="n2")] == ["a"]


def test_back_off_grows_to_its_limit() -> None:
    handle = _handle.Handle(Spell(), runtime.Runtime(inmem.InMemory()), logging.getLogger("test"))
    delays = [handle.next_backoff_s() for _ in range(200)]
    for n, delay in enumerate(delays):
        middle = min(0.5 * 2 ** min(n, 30), 60.0)
        assert 0.75 * middle <= delay <= 1.25 * middle
