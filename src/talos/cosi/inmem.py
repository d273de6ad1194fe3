"""State in memory: what machined runs on.

One collection per (namespace, type) holds the resources and a bounded history of events. A watch is a position in that
history; bookmarks and tails are the same thing said by a client. A watcher that falls behind the history gets an
ERRORED event and must start again, so a slow client costs no memory. What every watcher has seen is forgotten after a
while, so a type that is written for days costs none either.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

from talos.base import errors
from talos.cosi import resource
from talos.cosi.resource import Metadata, Phase, Resource
from talos.cosi.state import Event, EventType, Query

R = TypeVar("R", bound=Resource[Any])
HISTORY = 1024
"""Events kept per collection at most."""
HISTORY_S = 600.0
"""How long an event that all watchers have seen is kept for tails and bookmarks."""
_POSITION_BYTES = 8
_COOKIE_BYTES = 4


class _Watcher:
    """One reader of a collection's history."""

    __slots__ = ("position", "wake")

    def __init__(self, position: int) -> None:
        self.position = position
        self.wake = asyncio.Event()


class _Collection:
    """Resources of one type in one namespace."""

    __slots__ = ("_cookie", "_times", "history", "items", "position", "watchers")

    def __init__(self, cookie: bytes) -> None:
        self._cookie = cookie
        self.items: dict[str, Resource[Any]] = {}
        self.history: deque[Event[Any]] = deque(maxlen=HISTORY)
        self._times: deque[float] = deque(maxlen=HISTORY)
        self.position = 0
        self.watchers: set[_Watcher] = set()

    def publish(self, type: EventType, res: Resource[Any], old: Resource[Any] | None) -> None:
        now = time.monotonic()
        self.position += 1
        self.history.append(Event(type, res, old, self.bookmark()))
        self._times.append(now)
        if self._times[0] < now - HISTORY_S:
            self._forget(now - HISTORY_S)
        for watcher in self.watchers:
            watcher.wake.set()

    def _forget(self, before: float) -> None:
        seen = min((watcher.position for watcher in self.watchers), default=self.position)
        oldest = self.position - len(self.history)
        while oldest < seen and self._times[0] < before:
            self.history.popleft()
            self._times.popleft()
            oldest += 1

    def bookmark(self) -> bytes:
        """The present position, as clients hold it. The cookie tells bookmarks of an earlier life of the process."""
        return self._cookie + self.position.to_bytes(_POSITION_BYTES, "big")

    def position_of(self, bookmark: bytes) -> int:
        """Raises Invalid when the events after the bookmark are not all there."""
        cookie, position = bookmark[:_COOKIE_BYTES], int.from_bytes(bookmark[_COOKIE_BYTES:], "big")
        oldest = self.position - len(self.history)
        if (
            len(bookmark) != _COOKIE_BYTES + _POSITION_BYTES
            or cookie != self._cookie
            or not oldest <= position <= self.position
        ):
            raise errors.Invalid("watch bookmark is invalid or too old")
        return position

    def tail(self, count: int, id: str | None) -> int:
        """Position before the last `count` events, of one resource if `id` is given."""
        if id is None:
            return self.position - min(count, len(self.history))
        position = self.position
        for event in reversed(self.history):
            if count == 0:
                break
            position -= 1
            if event.resource is not None and event.resource.metadata.id == id:
                count -= 1
        return position

    def since(self, position: int) -> list[Event[Any]] | None:
        """Events after `position`; None when some of them are forgotten."""
        missing = self.position - position
        if missing > len(self.history):
            return None
        if missing == 0:
            return []
        if missing == 1:
            return [self.history[-1]]
        return [self.history[index] for index in range(len(self.history) - missing, len(self.history))]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class InMemory:
    """The `State` Protocol over plain dictionaries. Used from one event loop only."""

    def __init__(self) -> None:
        self._collections: dict[tuple[str, str], _Collection] = {}
        self._cookie = os.urandom(_COOKIE_BYTES)

    def _collection(self, cls: type[Resource[Any]], namespace: str | None) -> _Collection:
        key = (cls.definition.namespace if namespace is None else namespace, cls.definition.type)
        found = self._collections.get(key)
        if found is None:
            found = self._collections[key] = _Collection(self._cookie)
        return found

    def namespaces_of(self, cls: type[Resource[Any]]) -> set[str]:
        """Namespaces in which resources of the type are stored now."""
        name = cls.definition.type
        return {namespace for (namespace, type), found in self._collections.items() if type == name and found.items}

    def _stored(self, cls: type[R], id: str, namespace: str | None) -> tuple[_Collection, R]:
        collection = self._collection(cls, namespace)
        res = collection.items.get(id)
        if res is None:
            where = cls.definition.namespace if namespace is None else namespace
            raise errors.NotFound(f"resource {cls.definition.type}({where}/{id}) doesn't exist")
        return collection, res  # type: ignore[return-value]

    async def get(self, cls: type[R], id: str, *, namespace: str | None = None) -> R:
        """Return a resource. Raises NotFound."""
        return self._stored(cls, id, namespace)[1]

    async def list(self, cls: type[R], *, namespace: str | None = None, query: Query | None = None) -> list[R]:
        """Return the resources of a type, ordered by id."""
        items = self._collection(cls, namespace).items
        found: Any = [items[id] for id in sorted(items)]
        if query is not None:
            found = [res for res in found if query.matches(res.metadata)]
        result: list[R] = found
        return result

    async def create(self, res: R, *, owner: str = "") -> R:
        """Store a new resource. Raises AlreadyExists, Invalid."""
        resource.check_id(res.metadata.id)
        collection = self._collection(type(res), res.metadata.namespace)
        if res.metadata.id in collection.items:
            raise errors.AlreadyExists(f"resource {res.metadata} already exists")
        if res.metadata.phase is not Phase.RUNNING:
            raise errors.PhaseConflict(f"{res.metadata}: a new resource can not be in phase {res.metadata.phase}")
        now = _now()
        stored = res.with_metadata(res.metadata.replace(version=1, owner=owner, created=now, updated=now))
        collection.items[res.metadata.id] = stored
        collection.publish(EventType.CREATED, stored, None)
        return stored

    async def update(self, res: R, *, owner: str = "", expected_phase: Phase | None = Phase.RUNNING) -> R:
        """Replace a resource of the same version; equal content makes no new version."""
        metadata = res.metadata
        collection, old = self._stored(type(res), metadata.id, metadata.namespace)
        self._check_write(old.metadata, owner)
        if metadata.version != old.metadata.version:
            raise errors.VersionConflict(
                f"resource {old.metadata}: update conflict: expected version {metadata.version_text}"
            )
        if expected_phase is not None and old.metadata.phase is not expected_phase:
            raise errors.PhaseConflict(
                f"resource {old.metadata} is in phase {old.metadata.phase}, not {expected_phase}"
            )
        if res.same_content(old):
            return old
        return self._replace(collection, old, res)

    def _replace(self, collection: _Collection, old: R, new: R) -> R:
        metadata = new.metadata.replace(
            version=old.metadata.version + 1,
            owner=old.metadata.owner,
            created=old.metadata.created,
            updated=_now(),
        )
        stored = new.with_metadata(metadata)
        collection.items[metadata.id] = stored
        collection.publish(EventType.UPDATED, stored, old)
        return stored

    @staticmethod
    def _check_write(stored: Metadata, owner: str) -> None:
        if stored.owner != owner:
            raise errors.OwnerConflict(f"resource {stored} is owned by {stored.owner!r}, not by {owner!r}")

    async def teardown(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> bool:
        """Mark for destruction; return whether no finalizer is left."""
        collection, old = self._stored(cls, id, namespace)
        self._check_write(old.metadata, owner)
        if old.metadata.phase is Phase.RUNNING:
            self._replace(collection, old, old.with_metadata(old.metadata.replace(phase=Phase.TEARING_DOWN)))
        return not old.metadata.finalizers

    async def destroy(self, cls: type[R], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Remove. Raises PhaseConflict while finalizers are left."""
        collection, old = self._stored(cls, id, namespace)
        self._check_write(old.metadata, owner)
        if old.metadata.finalizers:
            held = ", ".join(sorted(old.metadata.finalizers))
            raise errors.PhaseConflict(f"resource {old.metadata} has pending finalizers: {held}")
        del collection.items[id]
        collection.publish(EventType.DESTROYED, old, None)

    async def add_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """Hold back destruction. Raises PhaseConflict when it is being torn down already."""
        collection, old = self._stored(cls, id, namespace)
        wanted = old.metadata.finalizers | set(names)
        if wanted == old.metadata.finalizers:
            return
        if old.metadata.phase is not Phase.RUNNING:
            raise errors.PhaseConflict(f"resource {old.metadata} is being torn down")
        self._replace(collection, old, old.with_metadata(old.metadata.replace(finalizers=frozenset(wanted))))

    async def remove_finalizer(self, cls: type[R], id: str, *names: str, namespace: str | None = None) -> None:
        """Let go. A resource that is gone is fine."""
        try:
            collection, old = self._stored(cls, id, namespace)
        except errors.NotFound:
            return
        left = old.metadata.finalizers - set(names)
        if left != old.metadata.finalizers:
            self._replace(collection, old, old.with_metadata(old.metadata.replace(finalizers=frozenset(left))))

    @contextlib.asynccontextmanager
    async def watch(
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
    ) -> AsyncIterator[AsyncIterator[Sequence[Event[R]]]]:
        """Follow one resource or a kind; see `state.State.watch`."""
        check_watch(id=id, bootstrap=bootstrap, tail=tail, bookmark=bookmark)
        collection = self._collection(cls, namespace)
        watcher = _Watcher(collection.position)
        first: list[Event[Any]] = []
        if bookmark is not None:
            watcher.position = collection.position_of(bookmark)
        elif tail > 0:
            watcher.position = collection.tail(tail, id)
        elif id is not None:
            first.append(self._present(cls, collection, id, namespace))
        if bootstrap:
            first += self._bootstrap(collection, query)
        if bootstrap_bookmark:
            first.append(Event(EventType.NOOP, bookmark=collection.bookmark()))
        collection.watchers.add(watcher)
        stream = _follow(collection, watcher, first, id, query, aggregated=aggregated)
        try:
            yield stream
        finally:
            collection.watchers.discard(watcher)
            await stream.aclose()

    @staticmethod
    def _present(cls: type[R], collection: _Collection, id: str, namespace: str | None) -> Event[Any]:
        res = collection.items.get(id)
        if res is not None:
            return Event(EventType.CREATED, res, None, collection.bookmark())
        return Event(EventType.DESTROYED, resource.tombstone(cls, namespace, id), None, collection.bookmark())

    @staticmethod
    def _bootstrap(collection: _Collection, query: Query | None) -> Sequence[Event[Any]]:
        """Only the end of it has a bookmark: resuming in the middle would lose the rest."""
        found = [collection.items[id] for id in sorted(collection.items)]
        events: list[Event[Any]] = [
            Event(EventType.CREATED, res) for res in found if query is None or query.matches(res.metadata)
        ]
        return [*events, Event(EventType.BOOTSTRAPPED, bookmark=collection.bookmark())]


def check_watch(*, id: str | None, bootstrap: bool, tail: int, bookmark: bytes | None) -> None:
    """Raise Invalid for options of a watch that exclude each other."""
    if sum((bootstrap, tail > 0, bookmark is not None)) > 1:
        raise errors.Invalid("bootstrap, tail and bookmark of a watch exclude each other")
    if bootstrap and id is not None:
        raise errors.Invalid("a watch of one resource starts with its present state, it can not be bootstrapped")


def _select(event: Event[Any], id: str | None, query: Query | None) -> Event[Any] | None:
    """The event as a watcher with this filter sees it: leaving the filter looks like destruction."""
    res = event.resource
    if res is None:
        return event
    if id is not None and res.metadata.id != id:
        return None
    if query is None:
        return event
    now = query.matches(res.metadata)
    before = event.old is not None and query.matches(event.old.metadata)
    match event.type, before, now:
        case EventType.UPDATED, True, False:
            return Event(EventType.DESTROYED, event.old, None, event.bookmark)
        case EventType.UPDATED, False, True:
            return Event(EventType.CREATED, res, None, event.bookmark)
        case _:
            return event if now else None


async def _follow(
    collection: _Collection,
    watcher: _Watcher,
    first: Sequence[Event[Any]],
    id: str | None,
    query: Query | None,
    *,
    aggregated: bool,
) -> Any:
    batch: Sequence[Event[Any]] = first
    while True:
        if batch and aggregated:
            yield batch
        else:
            for event in batch:
                yield [event]
        while watcher.position == collection.position:
            watcher.wake.clear()
            await watcher.wake.wait()
        news = collection.since(watcher.position)
        if news is None:
            yield [Event(EventType.ERRORED, error=errors.Temporary("watch fell behind the event history", 0))]
            return
        watcher.position = collection.position
        if id is None and query is None:
            batch = news
        else:
            batch = [seen for event in news if (seen := _select(event, id, query)) is not None]
