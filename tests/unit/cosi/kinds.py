"""Two resource types for the tests of the runtime."""

from __future__ import annotations

from dataclasses import dataclass

from talos.cosi import resource


class Number(resource.Resource["Number.Spec"]):
    """An integer."""

    definition = resource.Definition(type="Numbers.test.talos.dev", namespace="test")

    @dataclass(frozen=True)
    class Spec:
        value: int = 0


class Text(resource.Resource["Text.Spec"]):
    """A string."""

    definition = resource.Definition(type="Texts.test.talos.dev", namespace="test")

    @dataclass(frozen=True)
    class Spec:
        value: str = ""
