"""The rule of a filtered state is asked before anything happens."""

from __future__ import annotations

from typing import Any

import pytest

from talos.base import errors
from talos.cosi import filtered, inmem
from talos.cosi.filtered import Access, Verb
from tests.unit.cosi.kinds import Number, Text


async def every_access(store: Any, stored: Number) -> list[Verb]:
    """Try everything; return the verbs that were refused."""
    refused = []
    attempts = [
        (Verb.GET, store.get(Number, "a")),
        (Verb.LIST, store.list(Number)),
        (Verb.CREATE, store.create(Number("b"))),
        (Verb.UPDATE, store.update(stored.with_spec(Number.Spec(9)))),
        (Verb.UPDATE, store.add_finalizer(Number, "a", "f")),
        (Verb.UPDATE, store.remove_finalizer(Number, "a", "f")),
        (Verb.DESTROY, store.teardown(Number, "a")),
        (Verb.DESTROY, store.destroy(Number, "a")),
    ]
    for verb, attempt in attempts:
        try:
            await attempt
        except errors.Denied:
            refused.append(verb)
    try:
        async with store.watch(Number, bootstrap=True) as events:
            await anext(events)
    except errors.Denied:
        refused.append(Verb.WATCH)
    return refused


async def test_read_only_lets_nothing_be_changed() -> None:
    inner = inmem.InMemory()
    stored = await inner.create(Number("a"))
    store = filtered.Filtered(inner, filtered.read_only([Number]))
    assert await every_access(store, stored) == [Verb.CREATE, *[Verb.UPDATE] * 3, *[Verb.DESTROY] * 2]
    assert await inner.list(Number) == [stored]


async def test_other_types_can_not_even_be_read() -> None:
    inner = inmem.InMemory()
    stored = await inner.create(Number("a"))
    store = filtered.Filtered(inner, filtered.read_only([Text]))
    assert set(await every_access(store, stored)) == set(Verb)


async def test_the_rule_learns_what_is_accessed() -> None:
    seen: list[Access] = []
    store = filtered.Filtered(inmem.InMemory(), seen.append)
    await store.create(Number("a", namespace="elsewhere"))
    await store.list(Number)
    with pytest.raises(errors.NotFound):
        await store.get(Number, "x")
    assert seen == [
        Access(Number, "elsewhere", "a", Verb.CREATE),
        Access(Number, "test", None, Verb.LIST),
        Access(Number, "test", "x", Verb.GET),
    ]
