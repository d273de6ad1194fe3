"""The two generic shapes: transforms that look only at what changed, and merges of layers."""

from __future__ import annotations

from typing import Any

import pytest

from talos.base import errors
from talos.cosi import controller
from talos.cosi.generic import merge, transform
from talos.cosi.resource import Phase
from talos.testing import ctest
from tests.unit.cosi.kinds import Number, Text


class Spell(transform.Transform[Number, Text]):
    """ "#" for each one; nothing for zero; not ready for negative numbers; broken for 13."""

    source = Number
    target = Text
    extra_inputs = (controller.weak(Text, namespace="settings", id="mark"),)

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def transform(self, r: controller.Handle, source: Number) -> Text | None:
        self.calls.append(source.id)
        value = source.spec.value
        if value < 0:
            raise errors.NotReady("negative")
        if value == 13:
            raise RuntimeError("bad luck")
        mark = await r.find(Text, "mark", namespace="settings")
        return Text(f"t-{source.id}", Text.Spec((mark.spec.value if mark else "#") * value)) if value else None


def number(id: str, value: int) -> Number:
    return Number(id, Number.Spec(value))


async def texts(b: ctest.Bench) -> dict[str, str]:
    await b.settle()
    return {t.id: t.spec.value for t in await b.store.list(Text) if t.metadata.phase is Phase.RUNNING}


async def test_only_changed_inputs_are_transformed_again() -> None:
    spell = Spell()
    async with ctest.bench(spell) as b:
        await b.put(*(number(id, 1) for id in "abc"))
        assert await texts(b) == {"t-a": "#", "t-b": "#", "t-c": "#"}
        spell.calls.clear()
        await b.put(number("b", 2))
        assert spell.calls == ["b"]
        assert await texts(b) == {"t-a": "#", "t-b": "##", "t-c": "#"}


async def test_another_input_transforms_all_again() -> None:
    spell = Spell()
    async with ctest.bench(spell) as b:
        await b.put(number("a", 1), number("b", 2))
        await b.put(Text("mark", Text.Spec("!"), namespace="settings"))
        assert await texts(b) == {"t-a": "!", "t-b": "!!"}


@pytest.mark.feature("D016")
async def test_outputs_go_with_their_inputs_and_when_not_wanted() -> None:
    async with ctest.bench(Spell()) as b:
        await b.put(*(number(id, 1) for id in "abc"))
        await b.destroy(Number, "a")
        await b.put(number("b", 0))
        assert await texts(b) == {"t-c": "#"}
        await b.put(number("b", 3))
        assert await texts(b) == {"t-b": "###", "t-c": "#"}


async def test_an_input_that_is_not_ready_keeps_its_output() -> None:
    spell = Spell()
    async with ctest.bench(spell) as b:
        await b.put(number("a", 1), number("b", 1))
        await b.put(number("a", -1))
        assert await texts(b) == {"t-a": "#", "t-b": "#"}
        # Also when everything is looked at.
        await b.put(Text("mark", Text.Spec("!"), namespace="settings"))
        assert await texts(b) == {"t-a": "#", "t-b": "!"}


async def test_a_broken_input_does_not_stop_the_others() -> None:
    async with ctest.bench(Spell()) as b:
        await b.put(number("a", 1))
        await b.put(number("a", 13), number("b", 2))
        await b.expect(Text, "t-b", lambda t: t.spec.value == "##")
        assert await texts(b) == {"t-a": "#", "t-b": "##"}
        await b.put(number("a", 3))
        await b.expect(Text, "t-a", lambda t: t.spec.value == "###")


class Sum(merge.Merge[Number]):
    """Upper layers win, zero means unset; "max/…" layers stand above "min/…"."""

    kind = Number
    layers = "test-config"

    def rank(self, source: Number) -> int:
        return int(source.id.startswith("max/"))

    def merge(self, lower: Any, upper: Any) -> Any:
        return upper if upper.value else lower


@pytest.mark.feature("D014")
async def test_layers_become_one() -> None:
    def layer(id: str, value: int) -> Number:
        return Number(id, Number.Spec(value), namespace="test-config")

    async with ctest.bench(Sum()) as b:
        await b.put(layer("max/a", 5), layer("min/a", 3), layer("min/b", 7), layer("max/b", 0))
        assert {n.id: n.spec.value for n in await b.store.list(Number)} == {"a": 5, "b": 7}
        await b.destroy(Number, "max/a", namespace="test-config")
        assert (await b.expect(Number, "a", lambda n: n.spec.value == 3)).metadata.owner == Sum.name
        await b.destroy(Number, "min/a", namespace="test-config")
        await b.expect_none(Number, "a")
