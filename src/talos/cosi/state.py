"""The interface of a resource state, and the operations built on it.

`State` is what every implementation offers (in memory, filtered, over gRPC). Updates are optimistic: the version of the
resource handed in must be the stored one. Destruction has two phases: `teardown` marks, `destroy` removes once no
finalizer is left.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from talos.base import errors
from talos.cosi import linear, resource
from talos.cosi.resource import Phase, Resource

R = TypeVar("R", bound=Resource[Any])
_ATTEMPTS = 100


class EventType(enum.Enum):
    """Kinds of watch events. Values are those of cosi.resource.EventType."""

    CREATED = 0
    UPDATED = 1
    DESTROYED = 2
    BOOTSTRAPPED = 3
    ERRORED = 4
    NOOP = 5


@dataclass(frozen=True, slots=True)
class Event(Generic[R]):
    """One change. `resource` is None for BOOTSTRAPPED, NOOP and ERRORED; `bookmark` resumes a watch after it."""

    type: EventType
    resource: R | None = None
    old: R | None = None
    bookmark: bytes = b""
    error: Exception | None = None


class LabelOp(enum.Enum):
    """Operations of a label term. Values are those of cosi.resource.LabelTerm.Operation."""

    EXISTS = 0
    EQUAL = 1
    IN = 3
    LT = 4
    LTE = 5
    LT_NUMERIC = 6
    LTE_NUMERIC = 7


@dataclass(frozen=True, slots=True)
class LabelTerm:
    """One condition on a label."""

    key: str
    op: LabelOp = LabelOp.EXISTS
    values: tuple[str, ...] = ()
    invert: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Evaluate against the labels of a resource."""
        return self._holds(labels) != self.invert

    def _holds(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if value is None:
            return False
        match self.op:
            case LabelOp.EXISTS:
                return True
            case LabelOp.EQUAL:
                return value == self.values[0]
            case LabelOp.IN:
                return value in self.values
            case LabelOp.LT:
                return value < self.values[0]
            case LabelOp.LTE:
                return value <= self.values[0]
            case LabelOp.LT_NUMERIC | LabelOp.LTE_NUMERIC:
                try:
                    left, right = float(value), float(self.values[0])
                except ValueError:
                    return False
                return left < right if self.op is LabelOp.LT_NUMERIC else left <= right


@dataclass(frozen=True, slots=True)
class Query:
    """Selects resources: any of the `labels` alternatives (each a conjunction of terms), and the id pattern.

    The pattern is found anywhere in the id; its syntax is that of `talos.cosi.linear`.
    """

    labels: tuple[tuple[LabelTerm, ...], ...] = ()
    id_pattern: str = ""

    def matches(self, metadata: resource.Metadata) -> bool:
        """Evaluate against a resource."""
        if self.id_pattern and not linear.search(self.id_pattern, metadata.id):
            return False
        if not self.labels:
            return True
        return any(all(term.matches(metadata.labels) for term in terms) for terms in self.labels)


class State(Protocol):
    """A place where resources live."""

    async def get(self, cls: type[R], id: str, *, namespace: str | None = None) -> R:
        """Return a resource. Raises NotFound."""
        ...

    async def list(self, cls: type[R], *, namespace: str | None = None, query: Query | None = None) -> list[R]:
        """Return the resources of a type in a namespace, ordered by id."""
        ...

    async def create(self, res: R, *, owner: str = "") -> R:
        """Store a new resource. Raises AlreadyExists, PhaseConflict when the given phase is not running."""
        ...

    async def update(self, res: R, *, owner: str = "", expected_phase: Phase | None = Phase.RUNNING) -> R:
        """Replace a resource of the same version. Equal content makes no new version.

        Raises NotFound, VersionConflict, OwnerConflict, PhaseConflict.
        """
        ...

    async def teardown(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> bool:
        """Mark for destruction; return whether no finalizer is left. Raises NotFound, OwnerConflict."""
        ...

    async def destroy(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Remove. A resource without finalizers needs no teardown before.

        Raises NotFound, OwnerConflict, PhaseConflict while finalizers are left.
        """
        ...

    async def add_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """Hold back destruction. Raises NotFound, PhaseConflict when it is being torn down already."""
        ...

    async def remove_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """Let go. A resource that is gone is fine."""
        ...

    def watch(
        self,
        cls: type[R],
        *,
        id: str | None = None,
        namespace: str | None = None,
        query: Query | None = None,
        bootstrap: bool = False,
        tail: int = 0,
        bookmark: bytes | None = None,
        bootstrap_bookmark: bool = False,
        aggregated: bool = False,
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Event[R]]]]:
        """Follow one resource or a kind; established when the context is entered.

        With `id` the first event is the present state (CREATED, or DESTROYED with a tombstone when there is none). For
        a kind `bootstrap` sends CREATED for each present resource, then BOOTSTRAPPED. `tail` replays that many past
        events instead, `bookmark` resumes after an event (Invalid when it is too old). `bootstrap_bookmark` asks for a
        NOOP event that carries the bookmark to start with. Lists hold one event unless `aggregated`.
        """
        ...


async def find(state: State, cls: type[R], id: str, *, namespace: str | None = None) -> R | None:
    """Return a resource, or None."""
    try:
        return await state.get(cls, id, namespace=namespace)
    except errors.NotFound:
        return None


async def put(state: State, res: R, *, owner: str = "") -> R:
    """Create, or update spec, labels and annotations to those of `res`.

    Raises PhaseConflict while the stored one is being torn down, OwnerConflict.
    """
    for _ in range(_ATTEMPTS):
        stored = await find(state, type(res), res.metadata.id, namespace=res.metadata.namespace)
        try:
            if stored is None:
                return await state.create(res, owner=owner)
            wanted = stored.metadata.replace(labels=res.metadata.labels, annotations=res.metadata.annotations)
            return await state.update(stored._make(wanted, res.spec), owner=owner)
        except (errors.VersionConflict, errors.AlreadyExists, errors.NotFound):
            continue
    raise errors.VersionConflict(f"{res.metadata}: changed under us {_ATTEMPTS} times in a row")


async def modify(
    state: State,
    cls: type[R],
    id: str,
    fn: Callable[[Any], Any],
    *,
    namespace: str | None = None,
    owner: str = "",
    default: Any = None,
) -> R:
    """Apply `fn` to the spec; with `default` a missing resource is created from `fn(default)`. Raises NotFound."""
    for _ in range(_ATTEMPTS):
        stored = await find(state, cls, id, namespace=namespace)
        try:
            if stored is None:
                if default is None:
                    raise errors.NotFound(f"{cls.definition.type}({namespace or cls.definition.namespace}/{id})")
                return await state.create(cls(id, fn(default), namespace=namespace), owner=owner)
            return await state.update(stored.with_spec(fn(stored.spec)), owner=owner)
        except (errors.VersionConflict, errors.AlreadyExists):
            continue
    raise errors.VersionConflict(f"{cls.definition.type}({id}): changed under us {_ATTEMPTS} times in a row")


async def wait_for(
    state: State,
    cls: type[R],
    id: str,
    condition: Callable[[R | None], bool],
    *,
    namespace: str | None = None,
    timeout_s: float,
) -> R | None:
    """Wait until `condition` holds for the resource (None when absent) and return it. Raises TimedOut."""
    try:
        async with asyncio.timeout(timeout_s), state.watch(cls, id=id, namespace=namespace) as events:
            async for batch in events:
                for event in batch:
                    if event.type is EventType.ERRORED and event.error is not None:
                        raise event.error
                    present = None if event.type is EventType.DESTROYED else event.resource
                    if condition(present):
                        return present
    except TimeoutError as error:
        raise errors.TimedOut(f"{cls.definition.type}({id}): condition not met within {timeout_s:g} s") from error
    raise errors.TimedOut(f"{cls.definition.type}({id}): watch ended before the condition held")


async def teardown_and_destroy(
    state: State, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "", timeout_s: float
) -> None:
    """Tear down, wait for the finalizers to go, destroy. Raises NotFound, OwnerConflict, TimedOut."""
    if not await state.teardown(cls, id, namespace=namespace, owner=owner):
        await wait_for(
            state, cls, id, lambda r: r is None or not r.metadata.finalizers, namespace=namespace, timeout_s=timeout_s
        )
    try:
        await state.destroy(cls, id, namespace=namespace, owner=owner)
    except errors.NotFound:
        return
