"""Controllers on a bench: the real runtime over an in-memory state, inputs put by the test, outputs looked at.

    async with ctest.bench(HostnameMergeController()) as b:
        await b.put(hostname_spec.HostnameSpec("default/hostname", ..., namespace="network-config"))
        merged = await b.expect(hostname_spec.HostnameSpec, "hostname")
        assert merged.spec.hostname == "…"

What the test puts is owned by nobody (or by `owner`), so that controllers own only what they make.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from talos.base import errors
from talos.cosi import controller, inmem, runtime, state
from talos.cosi.resource import Phase, Resource

R = TypeVar("R", bound=Resource[Any])
TIMEOUT_S = 5.0


class Bench:
    """A running runtime with its state."""

    def __init__(self, store: inmem.InMemory, running: runtime.Runtime) -> None:
        self.store = store
        self.runtime = running

    async def settle(self, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until no controller has anything to do. Raises TimedOut."""
        await self.runtime.wait_idle(timeout_s)

    async def put(self, *resources: Resource[Any], owner: str = "") -> None:
        """Create or update inputs, then settle."""
        for res in resources:
            await state.put(self.store, res, owner=owner)
        await self.settle()

    async def destroy(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        """Tear an input down and remove it once controllers have let it go, then settle."""
        await state.teardown_and_destroy(self.store, cls, id, namespace=namespace, timeout_s=TIMEOUT_S)
        await self.settle()

    async def teardown(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> bool:
        """Mark an input for destruction, settle, and return whether controllers let it go."""
        await self.store.teardown(cls, id, namespace=namespace)
        await self.settle()
        return not (await self.store.get(cls, id, namespace=namespace)).metadata.finalizers

    async def ids(self, cls: type[Resource[Any]], *, namespace: str | None = None) -> list[str]:
        """Settle and return the ids of the running resources of a type."""
        await self.settle()
        found = await self.store.list(cls, namespace=namespace)
        return [res.metadata.id for res in found if res.metadata.phase is Phase.RUNNING]

    async def expect(
        self,
        cls: type[R],
        id: str,
        condition: Callable[[R], bool] = lambda _: True,
        *,
        namespace: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> R:
        """Return a resource once it is there and the condition holds. Raises AssertionError with what was there."""

        def met(res: R | None) -> bool:
            return res is not None and res.metadata.phase is Phase.RUNNING and condition(res)

        try:
            found = await state.wait_for(self.store, cls, id, met, namespace=namespace, timeout_s=timeout_s)
        except errors.TimedOut:
            last = await state.find(self.store, cls, id, namespace=namespace)
            raise AssertionError(f"{cls.__name__} {id!r}: not as expected after {timeout_s:g} s: {last!r}") from None
        assert found is not None
        return found

    async def expect_none(
        self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Wait until a resource is gone. Raises AssertionError with what is there."""
        try:
            await state.wait_for(self.store, cls, id, lambda res: res is None, namespace=namespace, timeout_s=timeout_s)
        except errors.TimedOut:
            last = await state.find(self.store, cls, id, namespace=namespace)
            raise AssertionError(f"{cls.__name__} {id!r} is still there after {timeout_s:g} s: {last!r}") from None


@contextlib.asynccontextmanager
async def bench(*controllers: controller.Controller, store: inmem.InMemory | None = None) -> AsyncIterator[Bench]:
    """Run controllers for the time of the context; the first reconcile of each has happened when it is entered."""
    found = store if store is not None else inmem.InMemory()
    made = runtime.Runtime(found)
    for one in controllers:
        made.register(one)
    task = asyncio.create_task(made.run())
    try:
        await asyncio.sleep(0)
        await made.wait_idle(TIMEOUT_S)
        yield Bench(found, made)
    finally:
        task.cancel()
        await asyncio.wait([task])
