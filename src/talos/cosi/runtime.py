"""The controller runtime: feeds changes to controllers, holds them to their declarations, survives their crashes.

One watch per watched (namespace, type) wakes all controllers with such an input; each controller is one task. A failing
reconcile is retried with exponential back-off of its own; a failing `run` is started again the same way. Nothing a
controller does ends the runtime.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from talos.base import errors, tasks
from talos.cosi import inmem
from talos.cosi import state as states
from talos.cosi._handle import Handle
from talos.cosi.controller import Controller, Input, InputKind, OutputKind
from talos.cosi.resource import Resource
from talos.cosi.state import Event, EventType

WATCH_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Edge:
    """One declaration of a controller, for the dependency graph. `id` is empty for a whole kind."""

    controller: str
    kind: InputKind | OutputKind
    namespace: str
    type: str
    id: str = ""


class Runtime:
    """Runs controllers over a state."""

    def __init__(self, state: states.State, logger: logging.Logger | None = None) -> None:
        self.state = state
        self._log = logger or logging.getLogger("controller")
        self._handles: dict[str, tuple[Controller, Handle]] = {}
        self._watched: set[tuple[str, str]] = set()
        self._readers: dict[tuple[str, str], list[tuple[Handle, Input]]] = {}
        self._owner: tasks.Owner | None = None
        self._touched = asyncio.Event()

    def register(self, controller: Controller) -> None:
        """Add a controller before or while running. Raises Conflict when two claim an output exclusively."""
        if controller.name in self._handles:
            raise errors.AlreadyExists(f"controller {controller.name} is registered twice")
        for output in controller.outputs:
            for other, _ in self._handles.values():
                for theirs in other.outputs:
                    both_shared = output.kind is theirs.kind is OutputKind.SHARED
                    if theirs.cls is output.cls and not both_shared:
                        raise errors.Conflict(
                            f"{controller.name} and {other.name} both write {output.cls.definition.type}, not shared"
                        )
        handle = Handle(controller, self, self._log.getChild(controller.name))
        self._handles[controller.name] = (controller, handle)
        if self._owner is not None:
            self._start(controller, handle)

    def namespaces_of(self, cls: type[Resource[Any]]) -> set[str]:
        """Namespaces a controller may have written a type to."""
        if isinstance(self.state, inmem.InMemory):
            return self.state.namespaces_of(cls)
        return {cls.definition.namespace}

    def touched(self) -> None:
        """Something may have become idle or busy."""
        self._touched.set()

    async def run(self) -> None:
        """Run all controllers until cancelled."""
        async with tasks.Owner("runtime", self._log) as owner:
            self._owner = owner
            self._watched.clear()
            try:
                for controller, handle in list(self._handles.values()):
                    self._start(controller, handle)
                await asyncio.Event().wait()
            finally:
                self._owner = None

    def _start(self, controller: Controller, handle: Handle) -> None:
        assert self._owner is not None
        self.watch_inputs(handle)
        self._owner.spawn(self._drive(controller, handle), controller.name)

    async def _drive(self, controller: Controller, handle: Handle) -> None:
        while True:
            try:
                await controller.run(handle)
                return
            except Exception as error:
                delay_s = handle.next_backoff_s()
                handle.log.error(
                    "%s crashed, next start in %.1f s: %s", controller.name, delay_s, error, exc_info=error
                )
            finally:
                handle.ended()
            await asyncio.sleep(delay_s)
            handle.wake()

    def watch_inputs(self, handle: Handle, *, wake: bool = True) -> None:
        """Make sure every input of the controller is watched."""
        for readers in self._readers.values():
            readers[:] = [reader for reader in readers if reader[0] is not handle]
        for declared in (*handle.inputs, *handle.following):
            key = (declared.namespace, declared.cls.definition.type)
            self._readers.setdefault(key, []).append((handle, declared))
            if key not in self._watched and self._owner is not None:
                self._watched.add(key)
                self._owner.spawn(self._watch(declared.cls, declared.namespace), f"watch {key[1]}")
        if wake:
            handle.wake()

    async def _watch(self, cls: type[Resource[Any]], namespace: str) -> None:
        key = (namespace, cls.definition.type)
        while True:
            try:
                async with self.state.watch(cls, namespace=namespace, aggregated=True) as batches:
                    # Whatever changed before the watch stood is covered by one wake of everybody.
                    self._wake_readers(key, None)
                    async for events in batches:
                        if any(e.type is EventType.ERRORED for e in events):
                            break
                        self._wake_readers(key, events)
            except errors.TalosError as error:
                self._log.error("watch of %s in %s ended, begun again: %s", key[1], namespace, error)
                await asyncio.sleep(WATCH_AGAIN_S)

    def _wake_readers(self, key: tuple[str, str], events: Sequence[Event[Any]] | None) -> None:
        for handle, declared in self._readers.get(key, ()):
            if events is None:
                handle.wake()
            else:
                handle.note(declared, events)

    async def wait_idle(self, timeout_s: float = 10.0) -> None:
        """Wait until no controller has anything to do (pending timers excepted). For tests. Raises TimedOut."""
        quiet_turns = 0
        try:
            async with asyncio.timeout(timeout_s):
                while quiet_turns < 5:
                    await asyncio.sleep(0)
                    idle = all(handle.idle for _, handle in self._handles.values())
                    quiet_turns = quiet_turns + 1 if idle else 0
                    if not idle:
                        self._touched.clear()
                        await self._touched.wait()
        except TimeoutError as error:
            busy = ", ".join(name for name, (_, handle) in self._handles.items() if not handle.idle)
            raise errors.TimedOut(f"controllers still busy after {timeout_s:g} s: {busy}") from error

    def dependency_graph(self) -> list[Edge]:
        """Declarations of all controllers."""
        edges: list[Edge] = []
        for name, (controller, handle) in sorted(self._handles.items()):
            edges += [Edge(name, o.kind, o.cls.definition.namespace, o.cls.definition.type) for o in controller.outputs]
            edges += [Edge(name, i.kind, i.namespace, i.cls.definition.type, i.id or "") for i in handle.inputs]
        return edges
