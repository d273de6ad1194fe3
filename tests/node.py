"""A node's controllers in a network namespace of their own: a thread with an event loop, a state and a runtime."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import pkgutil
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from talos.cosi import controller, inmem, resource, runtime, state
from talos.linux import netlink
from talos.machined import controllers, events, wiring
from talos.machined.modes import Mode

T = TypeVar("T")
R = TypeVar("R", bound=resource.Resource[Any])


def controller_classes(*packages: str) -> list[type[controller.Controller]]:
    """Controllers of container mode defined in these modules or packages below `talos.machined.controllers`."""
    found: list[type[controller.Controller]] = []
    for package in packages:
        module = importlib.import_module(f"{controllers.__name__}.{package}")
        names = [module.__name__]
        if hasattr(module, "__path__"):
            names = [f"{module.__name__}.{one.name}" for one in pkgutil.iter_modules(module.__path__)]
        for name in names:
            if name.rpartition(".")[2].startswith("_"):
                continue
            for member in vars(importlib.import_module(name)).values():
                if not isinstance(member, type) or member.__module__ != name:
                    continue
                if issubclass(member, controller.Controller) and getattr(member, "modes", Mode.ALL) & Mode.CONTAINER:
                    found.append(member)
    return found


class Node:
    """`with Node(ns, directory, packages, inputs) as node: node.get(Member, "cp-1")`.

    Paths that controllers take as parameters (state, etc, pod_resolv_conf) lie in `directory`.
    """

    def __init__(
        self, namespace: int, directory: Path, packages: Sequence[str], inputs: Sequence[resource.Resource[Any]]
    ) -> None:
        self._namespace = namespace
        self._directory = directory
        self._packages = packages
        self._inputs = inputs
        self.events = events.EventBus()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._body, daemon=True)

    def __enter__(self) -> Self:
        (self._directory / "etc").mkdir(parents=True, exist_ok=True)
        self._thread.start()
        self._started.wait(20)
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _body(self) -> None:
        try:
            with netlink.inside(self._namespace):
                asyncio.run(self._main())
        except BaseException as err:
            self._failure = err
        finally:
            self._started.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.state = inmem.InMemory()
        machine = runtime.Runtime(self.state)
        components = wiring.Components()
        components.provide(Mode, Mode.CONTAINER)
        components.provide(events.EventBus, self.events)
        for cls in controller_classes(*self._packages):
            machine.register(self._build(components, cls))
        for one in self._inputs:
            await state.put(self.state, one)
        running = asyncio.create_task(machine.run())
        self._started.set()
        await self._stop.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def _build(self, components: wiring.Components, cls: type[controller.Controller]) -> controller.Controller:
        made = components.build(cls)
        for attribute, path in (
            ("_state", self._directory),
            ("_etc", self._directory / "etc"),
            ("_pod_resolv_conf", self._directory / "resolv.conf"),
        ):
            if isinstance(getattr(made, attribute, None), Path):
                setattr(made, attribute, path)
        return made

    def call(self, main: Callable[[], Coroutine[Any, Any, T]], *, timeout_s: float = 20.0) -> T:
        """Run a coroutine in the node's loop (and so in its namespace)."""
        future: concurrent.futures.Future[T] = asyncio.run_coroutine_threadsafe(main(), self._loop)
        return future.result(timeout_s)

    def put(self, one: resource.Resource[Any]) -> None:
        """Create or update an input."""
        self.call(lambda: state.put(self.state, one))

    def find(self, cls: type[R], id: str, *, namespace: str | None = None) -> R | None:
        """A resource as it is now."""
        return self.call(lambda: state.find(self.state, cls, id, namespace=namespace))

    def list(self, cls: type[R], *, namespace: str | None = None) -> list[R]:
        """All resources of a type as they are now."""
        return self.call(lambda: self.state.list(cls, namespace=namespace))

    def wait(
        self,
        cls: type[R],
        id: str,
        condition: Callable[[Any], bool] = lambda spec: True,
        *,
        namespace: str | None = None,
        timeout_s: float = 15.0,
    ) -> R:
        """Wait until a resource is there and its spec fulfils the condition."""

        def holds(one: R | None) -> bool:
            return one is not None and condition(one.spec)

        found = self.call(
            lambda: state.wait_for(self.state, cls, id, holds, namespace=namespace, timeout_s=timeout_s),
            timeout_s=timeout_s + 5,
        )
        assert found is not None
        return found
