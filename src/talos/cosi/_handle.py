"""The door of one controller to the state: declarations enforced, outputs tracked, failures backed off.

A handle knows which inputs changed since the last good reconcile (`changed`), so that a controller with many inputs
need not look at all of them each time. After a failure, at the start and when in doubt everything counts as changed.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from talos.base import errors
from talos.cosi import controller as controllers
from talos.cosi import state as states
from talos.cosi.controller import Controller, Input, InputKind
from talos.cosi.resource import Phase, Resource
from talos.cosi.state import Event, Query

if TYPE_CHECKING:
    from talos.cosi.runtime import Runtime

R = TypeVar("R", bound=Resource[Any])
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 60.0
HOLD = 0.1
"""Part of the back-off that an event can not shorten: a controller that fails at each of its own events stays cheap."""


class Handle:
    """Implements controller.Handle."""

    def __init__(self, owner: Controller, runtime: Runtime, log: logging.Logger) -> None:
        self._controller = owner
        self._runtime = runtime
        self._state = runtime.state
        self._wake = asyncio.Event()
        self._wake.set()
        self._timer: asyncio.TimerHandle | None = None
        self._hold_until = 0.0
        self._put: set[tuple[str, str, str]] = set()
        self._partial = False
        # What changed: for the reconcile that runs, and for the next one. None: anything may have.
        self._now: dict[tuple[str, str], set[str]] | None = None
        self._next: dict[tuple[str, str], set[str]] | None = None
        self._failures = 0
        self._said = ""
        self.running = False
        self.log = log
        self.inputs: tuple[Input, ...] = tuple(owner.inputs)
        self.following: tuple[Input, ...] = ()
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
        cls, metadata = type(res), res.metadata
        self._check_write(cls)
        self._put.add((metadata.type, metadata.namespace, metadata.id))
        try:
            return await states.put(self._state, res, owner=self._controller.name)
        except errors.PhaseConflict:
            await self._finish_teardown(cls, metadata.id, metadata.namespace)
        return await states.put(self._state, res, owner=self._controller.name)

    async def modify(
        self, cls: type[R], id: str, fn: Callable[[Any], Any], *, namespace: str | None = None, default: Any = None
    ) -> R:
        self._check_write(cls)
        where = cls.definition.namespace if namespace is None else namespace
        self._put.add((cls.definition.type, where, id))
        owner = self._controller.name
        try:
            return await states.modify(self._state, cls, id, fn, namespace=where, owner=owner, default=default)
        except errors.PhaseConflict:
            await self._finish_teardown(cls, id, where)
        return await states.modify(self._state, cls, id, fn, namespace=where, owner=owner, default=default)

    async def _finish_teardown(self, cls: type[Resource[Any]], id: str, namespace: str) -> None:
        """An output wanted again while it is being torn down: remove it first. Raises NotReady while it is held."""
        if not await self._destroy(cls, id, namespace):
            raise errors.NotReady(f"{cls.definition.type}({namespace}/{id}) is being torn down and still in use")

    async def destroy(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        self._check_write(cls)
        await self._destroy(cls, id, cls.definition.namespace if namespace is None else namespace)

    async def _destroy(self, cls: type[Resource[Any]], id: str, namespace: str) -> bool:
        owner = self._controller.name
        try:
            if await self._state.teardown(cls, id, namespace=namespace, owner=owner):
                await self._state.destroy(cls, id, namespace=namespace, owner=owner)
                return True
        except errors.NotFound:
            return True
        self._follow(controllers.destroy_ready(cls, namespace=namespace))
        return False

    def _follow(self, own: Input) -> None:
        """Come back when an own output that is still held is let go, whether declared or not."""
        if own not in self.following and own not in self.inputs:
            self.following = (*self.following, own)
            self._runtime.watch_inputs(self, wake=False)

    async def add_finalizer(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        self._check_finalizer(cls, namespace, id)
        await self._state.add_finalizer(cls, id, self._controller.name, namespace=namespace)

    async def remove_finalizer(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        self._check_finalizer(cls, namespace, id)
        await self._state.remove_finalizer(cls, id, self._controller.name, namespace=namespace)

    # Waking ---------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        self._next = None
        self._nudge()

    def _nudge(self) -> None:
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

    def note(self, declared: Input, events: Sequence[Event[Any]]) -> None:
        """Take in events about an input."""
        ids = set(_concerned(declared, events))
        if ids:
            if self._next is not None:
                self._next.setdefault((declared.namespace, declared.cls.definition.type), set()).update(ids)
            self._nudge()

    def changed(self, cls: type[Resource[Any]], *, namespace: str | None = None) -> frozenset[str] | None:
        if self._now is None:
            return None
        where = cls.definition.namespace if namespace is None else namespace
        return frozenset(self._now.get((where, cls.definition.type), ()))

    def partial(self) -> None:
        self._partial = True

    @property
    def idle(self) -> bool:
        """Nothing to do now; a timer may still be pending."""
        return not self.running and not self._wake.is_set()

    def ended(self) -> None:
        """The controller's `run` is over, at least for now."""
        self.running = False
        self._runtime.touched()

    async def changes(self) -> AsyncIterator[None]:
        while True:
            self.ended()
            await self._wake.wait()
            if (held_s := self._hold_until - time.monotonic()) > 0:
                await asyncio.sleep(held_s)
            self._wake.clear()
            self.running = True
            yield

    # Reconciling ----------------------------------------------------------------------------------------------------

    async def reconcile(self) -> None:
        """One reconcile, with everything the contract promises around it."""
        self._put = set()
        self._partial = False
        self._now, self._next = self._next, {}
        try:
            await self._controller.reconcile(self)
            self._failures, self._said, self._hold_until = 0, "", 0.0
            if self._controller.track_outputs and not self._partial:
                await self._cleanup()
            return
        except errors.NotReady as reason:
            self._failures, self._said, self._hold_until = 0, "", 0.0
            self.log.debug("not ready: %s", reason)
        except errors.Temporary as error:
            self._say(error)
            self.wake_after(error.delay_s)
        except Exception as error:
            self._say(error)
            delay_s = self.next_backoff_s()
            self._hold_until = time.monotonic() + delay_s * HOLD
            self.wake_after(delay_s)
        self._next = None

    def _say(self, error: Exception) -> None:
        """Log a failure once, not at every retry."""
        text = f"{type(error).__name__}: {error}"
        if text != self._said:
            self._said = text
            expected = isinstance(error, errors.TalosError | OSError)
            self.log.error("%s failed: %s", self._controller.name, text, exc_info=None if expected else error)

    def next_backoff_s(self) -> float:
        """Delay before the next try: doubles per failure, with jitter."""
        # Bounded before the power: a controller may fail for months.
        delay = min(BACKOFF_FIRST_S * 2 ** min(self._failures, 30), BACKOFF_MAX_S)
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
                        await self._destroy(output.cls, metadata.id, metadata.namespace)


def _concerned(declared: Input, events: Sequence[Event[Any]]) -> Iterable[str]:
    """Ids of the events that concern the input."""
    for event in events:
        res = event.resource
        if res is None:
            continue
        metadata = res.metadata
        if declared.id is not None and metadata.id != declared.id:
            continue
        if declared.kind is not InputKind.DESTROY_READY or (
            metadata.phase is Phase.TEARING_DOWN and not metadata.finalizers
        ):
            yield metadata.id
