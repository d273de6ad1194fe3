"""Run controllers over an in-memory state until they are idle."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from talos.cosi import controller, inmem, runtime


@contextlib.asynccontextmanager
async def running(*controllers: controller.Controller) -> AsyncIterator[tuple[inmem.InMemory, runtime.Runtime]]:
    """Yield the state and the runtime that drives the controllers."""
    store = inmem.InMemory()
    made = runtime.Runtime(store)
    for one in controllers:
        made.register(one)
    task = asyncio.create_task(made.run())
    await asyncio.sleep(0)
    try:
        yield store, made
    finally:
        task.cancel()
        await asyncio.wait([task])
