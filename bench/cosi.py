"""How many resource updates a second pass through a chain of 10 controllers x 1,000 resources.

Each round changes the value of all 1,000 inputs; the round ends when the last controller has written all of its
outputs. Every write of a resource counts as one update. Prints updates per second, best and median of the rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from talos.cosi import controller, inmem, resource, runtime

CHAIN = 10
RESOURCES = 1000
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Value:
    number: int = 0


def _kind(index: int) -> type[resource.Resource[Value]]:
    definition = resource.Definition(type=f"Values{index}.bench.talos.dev", namespace="bench")
    return type(f"Values{index}", (resource.Resource,), {"definition": definition, "Spec": Value, "__slots__": ()})


def _link(source: type[resource.Resource[Value]], target: type[resource.Resource[Value]]) -> controller.Controller:
    class Link(controller.Controller):
        name = f"bench.{target.__name__}Controller"
        inputs = (controller.weak(source),)
        outputs = (controller.exclusive(target),)

        async def reconcile(self, r: controller.Handle) -> None:
            for res in await r.list(source):
                await r.put(target(res.metadata.id, res.spec))

    return Link()


async def run() -> list[float]:
    """Updates per second of each round."""
    kinds = [_kind(i) for i in range(CHAIN + 1)]
    store = inmem.InMemory()
    rt = runtime.Runtime(store)
    for source, target in zip(kinds, kinds[1:], strict=False):
        rt.register(_link(source, target))
    task = asyncio.create_task(rt.run())
    await asyncio.sleep(0)
    rates = []
    for round_number in range(ROUNDS):
        started = time.perf_counter()
        for i in range(RESOURCES):
            res = kinds[0](f"{i:04}", Value(round_number))
            if round_number:
                stored = await store.get(kinds[0], f"{i:04}")
                await store.update(stored.with_spec(res.spec))
            else:
                await store.create(res)
        await rt.wait_idle(60)
        elapsed = time.perf_counter() - started
        last = await store.list(kinds[-1])
        assert len(last) == RESOURCES
        assert all(res.spec.number == round_number for res in last)
        rates.append((CHAIN + 1) * RESOURCES / elapsed)
    task.cancel()
    return rates


def main() -> None:
    rates = asyncio.run(run())
    print(
        f"cosi chain of {CHAIN} x {RESOURCES}: median {statistics.median(rates):,.0f} updates/s, best {max(rates):,.0f} (goal 5,000)"
    )


if __name__ == "__main__":
    main()
