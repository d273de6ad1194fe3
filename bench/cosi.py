"""How many resource updates a second pass through a chain of 10 controllers x 1,000 resources.

Every write of a resource counts as one update: 11 for each change of an input. Three ways to change the inputs:

- `all`: all 1,000, then wait until the last controller has written all of its outputs;
- `all, transforms`: the same through the generic transform controller;
- `one by one`: one input, wait until it has come out at the end, the next one (transforms). Its time is the delay a
  single change has through ten controllers.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from talos.cosi import controller, inmem, resource, runtime
from talos.cosi.generic import transform

CHAIN = 10
RESOURCES = 1000
ROUNDS = 5
SINGLE = 500
GOAL = 5000


@dataclass(frozen=True, slots=True)
class Value:
    number: int = 0


Kind = type[resource.Resource[Value]]


def _kind(index: int) -> Kind:
    definition = resource.Definition(type=f"Values{index}.bench.talos.dev", namespace="bench")
    return type(f"Values{index}", (resource.Resource,), {"definition": definition, "Spec": Value, "__slots__": ()})


def _plain(origin: Kind, result: Kind) -> controller.Controller:
    class Link(controller.Controller):
        name = f"bench.{result.__name__}Controller"
        inputs = (controller.weak(origin),)
        outputs = (controller.exclusive(result),)

        async def reconcile(self, r: controller.Handle) -> None:
            for res in await r.list(origin):
                await r.put(result(res.metadata.id, res.spec))

    return Link()


def _transform(origin: Kind, result: Kind) -> controller.Controller:
    class Link(transform.Transform[Any, Any]):
        name = f"bench.{result.__name__}Controller"
        source = origin
        target = result

        async def transform(self, r: controller.Handle, source: Any) -> Any:
            return result(source.metadata.id, source.spec)

    return Link()


class Chain:
    """A running chain with all resources in it."""

    def __init__(self, link: Callable[[Kind, Kind], controller.Controller]) -> None:
        self.kinds = [_kind(i) for i in range(CHAIN + 1)]
        self.store = inmem.InMemory()
        self.runtime = runtime.Runtime(self.store)
        for origin, result in zip(self.kinds, self.kinds[1:], strict=False):
            self.runtime.register(link(origin, result))

    async def __aenter__(self) -> Chain:
        self._task = asyncio.create_task(self.runtime.run())
        for i in range(RESOURCES):
            await self.store.create(self.kinds[0](f"{i:04}"))
        await self.runtime.wait_idle(60)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def change(self, index: int, number: int) -> None:
        stored = await self.store.get(self.kinds[0], f"{index:04}")
        await self.store.update(stored.with_spec(Value(number)))

    async def came_out(self, index: int, number: int) -> bool:
        return (await self.store.get(self.kinds[-1], f"{index:04}")).spec.number == number


async def _all(chain: Chain, number: int) -> float:
    """Updates per second of one round."""
    started = time.perf_counter()
    for i in range(RESOURCES):
        await chain.change(i, number)
    await chain.runtime.wait_idle(60)
    elapsed = time.perf_counter() - started
    for i in range(RESOURCES):
        assert await chain.came_out(i, number)
    return (CHAIN + 1) * RESOURCES / elapsed


async def _one_by_one(chain: Chain, number: int) -> float:
    started = time.perf_counter()
    for i in range(SINGLE):
        await chain.change(i, number)
        await chain.runtime.wait_idle(60)
        assert await chain.came_out(i, number)
    return (CHAIN + 1) * SINGLE / (time.perf_counter() - started)


async def _rounds(link: Callable[[Kind, Kind], controller.Controller], measure: Any) -> float:
    async with Chain(link) as chain:
        return statistics.median([await measure(chain, number) for number in range(1, ROUNDS + 1)])


def main() -> int:
    print(f"chain of {CHAIN} controllers x {RESOURCES} resources, median of {ROUNDS} rounds, goal {GOAL:,} updates/s")
    slow = False
    for name, link, measure in (
        ("all", _plain, _all),
        ("all, transforms", _transform, _all),
        ("one by one", _transform, _one_by_one),
    ):
        rate = asyncio.run(_rounds(link, measure))
        slow |= rate < GOAL
        delay = f", {(CHAIN + 1) / rate * 1000:.2f} ms from end to end" if measure is _one_by_one else ""
        print(f"  {name:16}{rate:9,.0f} updates/s{delay}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
