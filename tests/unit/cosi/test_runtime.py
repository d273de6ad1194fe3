"""The controller runtime: declarations, output tracking, back-off, finalizers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

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
        seen: list[str] = []

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
