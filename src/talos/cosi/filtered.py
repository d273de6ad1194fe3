"""A state behind a rule: every access is put to it first, and happens only if the rule does not object."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from talos.base import errors
from talos.cosi.resource import Phase, Resource
from talos.cosi.state import Event, Query, State

R = TypeVar("R", bound=Resource[Any])


class Verb(enum.Enum):
    """What is done to resources."""

    GET = "get"
    LIST = "list"
    WATCH = "watch"
    CREATE = "create"
    UPDATE = "update"
    DESTROY = "destroy"

    @property
    def reads(self) -> bool:
        """Whether nothing is changed."""
        return self in (Verb.GET, Verb.LIST, Verb.WATCH)


@dataclass(frozen=True, slots=True)
class Access:
    """One access; `id` is None for a whole kind."""

    cls: type[Resource[Any]]
    namespace: str
    id: str | None
    verb: Verb


Rule = Callable[[Access], None]
"""Raises Denied for an access that may not happen."""


def read_only(types: Sequence[type[Resource[Any]]]) -> Rule:
    """Return the rule that allows reading these types and nothing else."""
    allowed = frozenset(cls.definition.type for cls in types)

    def rule(access: Access) -> None:
        name = access.cls.definition.type
        if not access.verb.reads or name not in allowed:
            raise errors.Denied(f"{access.verb.value} of {name} is not allowed")

    return rule


class Filtered:
    """The `State` Protocol over another state. Every method may also raise what the rule raises."""

    def __init__(self, inner: State, rule: Rule) -> None:
        self._inner = inner
        self._rule = rule

    def _check(self, verb: Verb, cls: type[Resource[Any]], namespace: str | None, id: str | None) -> None:
        self._rule(Access(cls, cls.definition.namespace if namespace is None else namespace, id, verb))

    async def get(self, cls: type[R], id: str, *, namespace: str | None = None) -> R:
        """See State.get."""
        self._check(Verb.GET, cls, namespace, id)
        return await self._inner.get(cls, id, namespace=namespace)

    async def list(self, cls: type[R], *, namespace: str | None = None, query: Query | None = None) -> list[R]:
        """See State.list."""
        self._check(Verb.LIST, cls, namespace, None)
        return await self._inner.list(cls, namespace=namespace, query=query)

    async def create(self, res: R, *, owner: str = "") -> R:
        """See State.create."""
        self._check(Verb.CREATE, type(res), res.metadata.namespace, res.metadata.id)
        return await self._inner.create(res, owner=owner)

    async def update(self, res: R, *, owner: str = "", expected_phase: Phase | None = Phase.RUNNING) -> R:
        """See State.update."""
        self._check(Verb.UPDATE, type(res), res.metadata.namespace, res.metadata.id)
        return await self._inner.update(res, owner=owner, expected_phase=expected_phase)

    async def teardown(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> bool:
        """See State.teardown."""
        self._check(Verb.DESTROY, cls, namespace, id)
        return await self._inner.teardown(cls, id, namespace=namespace, owner=owner)

    async def destroy(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """See State.destroy."""
        self._check(Verb.DESTROY, cls, namespace, id)
        await self._inner.destroy(cls, id, namespace=namespace, owner=owner)

    async def add_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """See State.add_finalizer."""
        self._check(Verb.UPDATE, cls, namespace, id)
        await self._inner.add_finalizer(cls, id, *names, namespace=namespace)

    async def remove_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """See State.remove_finalizer."""
        self._check(Verb.UPDATE, cls, namespace, id)
        await self._inner.remove_finalizer(cls, id, *names, namespace=namespace)

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
        """See State.watch."""
        self._check(Verb.WATCH, cls, namespace, id)
        return self._inner.watch(
            cls,
            id=id,
            namespace=namespace,
            query=query,
            bootstrap=bootstrap,
            tail=tail,
            bookmark=bookmark,
            bootstrap_bookmark=bootstrap_bookmark,
            aggregated=aggregated,
        )
