"""The controller runtime: feeds changes to controllers, holds them to their declarations, survives their crashes.

One watch per watched (namespace, type) wakes all controllers with such an input; each controller is one task. A failing
reconcile is retried with exponential back-off of its own; a failing `run` is started again the same way. Nothing a
controller does ends the runtime.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from talos.base import errors, tasks
from talos.cosi import controller as controllers
from talos.cosi import inmem
from talos.cosi import state as states
from talos.cosi.controller import Controller, Input, InputKind, OutputKind
from talos.cosi.resource import Phase, Resource
from talos.cosi.state import Event, EventType, Query

R = TypeVar("R", bound=Resource[Any])
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 60.0


@dataclass(frozen=True, slots=True)
class Edge:
    """One declaration of a controller, for the dependency graph. `id` is empty for a whole kind."""

    controller: str
    kind: InputKind | OutputKind
    namespace: str
    type: str
    id: str = ""


class _Handle:
    """The Handle of one controller; see controller.Handle."""

    def __init__(self, owner: Controller, runtime: Runtime, log: logging.Logger) -> None:
        self._controller = owner
        self._runtime = runtime
        self._state = runtime.state
        self._wake = asyncio.Event()
        self._wake.set()
        self._timer: asyncio.TimerHandle | None = None
        self._put: set[tuple[str, str, str]] = set()
        self._failures = 0
        self._said = ""
        self.running = False
        self.log = log
        self.inputs: tuple[Input, ...] = tuple(owner.inputs)
        self._outputs = {o.cls.definition.type: o for o in owner.outputs}
        self._readable: dict[str, list[Input]] = {}
        self._index()

    def _index(self) -> None:
        self._readable = {}
        for declared in self.inputs:
            self._readable.setdefault(declared.cls.definition.type, []).append(declared)

    # What may be read and written -----------------------------------------------------------------------------------

    def _check_read(self, cls: type[Resource[Any]], namespace: str | None, id: str | None) -> None:
        type_name = cls.definition.type
        if type_name in self._outputs:
            return
        where = cls.definition.namespace if namespace is None else namespace
        for declared in self._readable.get(type_name, ()):
            if declared.namespace == where and (declared.id is None or declared.id == id):
                return
        raise controllers.UndeclaredAccess(
            f"{self._controller.name} reads {type_name}({where}/{id or '*'}), not declared"
        )

    def _check_write(self, cls: type[Resource[Any]]) -> None:
        if cls.definition.type not in self._outputs:
            raise controllers.UndeclaredAccess(f"{self._controller.name} writes {cls.definition.type}, not declared")

    def _check_finalizer(self, cls: type[Resource[Any]], namespace: str | None, id: str) -> None:
        where = cls.definition.namespace if namespace is None else namespace
        for declared in self._readable.get(cls.definition.type, ()):
            if declared.kind is InputKind.STRONG and declared.namespace == where and declared.id in (None, id):
                return
        raise controllers.UndeclaredAccess(
            f"{self._controller.name} puts a finalizer on {cls.definition.type}({where}/{id}), no strong input declared"
        )

    async def get(self, cls: type[R], id: str, *, namespace: str | None = None) -> R:
        self._check_read(cls, namespace, id)
        return await self._state.get(cls, id, namespace=namespace)

    async def find(self, cls: type[R], id: str, *, namespace: str | None = None) -> R | None:
        self._check_read(cls, namespace, id)
        return await states.find(self._state, cls, id, namespace=namespace)

    async def list(self, cls: type[R], *, namespace: str | None = None, query: Query | None = None) -> list[R]:
        self._check_read(cls, namespace, None)
        return await self._state.list(cls, namespace=namespace, query=query)

    async def put(self, res: R) -> R:
        self._check_write(type(res))
        metadata = res.metadata
        self._put.add((metadata.type, metadata.namespace, metadata.id))
        return await states.put(self._state, res, owner=self._controller.name)

    async def modify(
        self, cls: type[R], id: str, fn: Callable[[Any], Any], *, namespace: str | None = None, default: Any = None
    ) -> R:
        self._check_write(cls)
        where = cls.definition.namespace if namespace is None else namespace
        self._put.add((cls.definition.type, where, id))
        return await states.modify(
            self._state, cls, id, fn, namespace=namespace, owner=self._controller.name, default=default
        )

    async def destroy(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        self._check_write(cls)
        owner = self._controller.name
        try:
            if await self._state.teardown(cls, id, namespace=namespace, owner=owner):
                await self._state.destroy(cls, id, namespace=namespace, owner=owner)
        except errors.NotFound:
            return

    async def add_finalizer(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        self._check_finalizer(cls, namespace, id)
        await self._state.add_finalizer(cls, id, self._controller.name, namespace=namespace)

    async def remove_finalizer(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        self._check_finalizer(cls, namespace, id)
        await self._state.remove_finalizer(cls, id, self._controller.name, namespace=namespace)

    # Waking ---------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        self._wake.set()
        self._runtime.touched()

    def wake_after(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + delay_s
        if self._timer is not None and not self._timer.cancelled() and self._timer.when() > loop.time():
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self.wake)

    def set_inputs(self, inputs: Sequence[Input]) -> None:
        if tuple(inputs) != self.inputs:
            self.inputs = tuple(inputs)
            self._index()
            self._runtime.watch_inputs(self)

    @property
    def idle(self) -> bool:
        """Nothing to do now; a timer may still be pending."""
        return not self.running and not self._wake.is_set()

    async def changes(self) -> AsyncIterator[None]:
        while True:
            self.running = False
            self._runtime.touched()
            await self._wake.wait()
            self._wake.clear()
            self.running = True
            yield

    async def reconcile(self) -> None:
        """One reconcile, with everything the contract promises around it."""
        self._put = set()
        try:
            await self._controller.reconcile(self)
        except errors.NotReady as reason:
            self.log.debug("not ready: %s", reason)
            return
        except errors.Temporary as error:
            self._say(error)
            self.wake_after(error.delay_s)
            return
        except Exception as error:
            self._failed(error)
            return
        self._failures, self._said = 0, ""
        if self._controller.track_outputs:
            await self._cleanup()

    def _say(self, error: Exception) -> None:
        """Log a failure once, not at every retry."""
        text = f"{type(error).__name__}: {error}"
        if text != self._said:
            self._said = text
            expected = isinstance(error, errors.TalosError | OSError)
            self.log.error("%s failed: %s", self._controller.name, text, exc_info=None if expected else error)

    def _failed(self, error: Exception) -> None:
        self._say(error)
        self.wake_after(self.next_backoff_s())

    def next_backoff_s(self) -> float:
        """Delay before the next try: doubles per failure, with jitter."""
        delay = min(BACKOFF_FIRST_S * 2**self._failures, BACKOFF_MAX_S)
        self._failures += 1
        return float(delay * random.uniform(0.75, 1.25))

    async def _cleanup(self) -> None:
        """Destroy own resources that the reconcile did not put; finish earlier teardowns."""
        name = self._controller.name
        for output in self._controller.outputs:
            for namespace in self._runtime.namespaces_of(output.cls):
                for res in await self._state.list(output.cls, namespace=namespace):
                    metadata = res.metadata
                    if metadata.owner == name and (metadata.type, metadata.namespace, metadata.id) not in self._put:
                        await self.destroy(output.cls, metadata.id, namespace=metadata.namespace)

    def woken_by(self, declared: Input, events: Sequence[Event[Any]]) -> bool:
        """Whether these events concern the input."""
        for event in events:
            res = event.resource
            if res is None or (declared.id is not None and res.metadata.id != declared.id):
                continue
            if declared.kind is not InputKind.DESTROY_READY:
                return True
            if res.metadata.phase is Phase.TEARING_DOWN and not res.metadata.finalizers:
                return True
        return False


class Runtime:
    """Runs controllers over a state."""

    def __init__(self, state: states.State, logger: logging.Logger | None = None) -> None:
        self.state = state
        self._log = logger or logging.getLogger("controller")
        self._handles: dict[str, tuple[Controller, _Handle]] = {}
        self._watched: set[tuple[str, str]] = set()
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
        handle = _Handle(controller, self, self._log.getChild(controller.name))
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
            try:
                for controller, handle in list(self._handles.values()):
                    self._start(controller, handle)
                await asyncio.Event().wait()
            finally:
                self._owner = None

    def _start(self, controller: Controller, handle: _Handle) -> None:
        assert self._owner is not None
        self.watch_inputs(handle)
        self._owner.spawn(self._drive(controller, handle), controller.name)

    async def _drive(self, controller: Controller, handle: _Handle) -> None:
        while True:
            try:
                await controller.run(handle)
                handle.running = False
                self.touched()
                return
            except Exception as error:
                delay_s = handle.next_backoff_s()
                handle.log.error(
                    "%s crashed, next start in %.1f s: %s", controller.name, delay_s, error, exc_info=error
                )
            await asyncio.sleep(delay_s)
            handle.wake()

    def watch_inputs(self, handle: _Handle) -> None:
        """Make sure every input of the controller is watched."""
        if self._owner is None:
            return
        for declared in handle.inputs:
            key = (declared.namespace, declared.cls.definition.type)
            if key not in self._watched:
                self._watched.add(key)
                self._owner.spawn(self._watch(declared.cls, declared.namespace), f"watch {key[1]}")
        handle.wake()

    async def _watch(self, cls: type[Resource[Any]], namespace: str) -> None:
        key = (namespace, cls.definition.type)
        while True:
            async with self.state.watch(cls, namespace=namespace, aggregated=True) as batches:
                # Whatever changed before the watch stood is covered by one wake of everybody.
                self._wake_readers(key, None)
                async for events in batches:
                    if any(e.type is EventType.ERRORED for e in events):
                        break
                    self._wake_readers(key, events)

    def _wake_readers(self, key: tuple[str, str], events: Sequence[Event[Any]] | None) -> None:
        for _, handle in self._handles.values():
            for declared in handle.inputs:
                if (declared.namespace, declared.cls.definition.type) != key:
                    continue
                if events is None or handle.woken_by(declared, events):
                    handle.wake()

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
