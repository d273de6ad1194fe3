"""Building by annotation: constructor parameters of controllers, services and handlers are looked up by their type.

`main` provides the components; a class asks for what it needs and never learns where it came from. A Protocol of
`talos.linux`, or a class there that needs nothing itself, is provided on demand: the real adapter, made once.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from talos.base import errors

T = TypeVar("T")


class Components:
    """What can be asked for: type -> object, or -> a function that makes it at first use."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}
        self._factories: dict[Any, Callable[[], Any]] = {}

    def provide(self, kind: Any, component: object) -> None:
        """Answer requests for `kind` with `component`."""
        self._made[kind] = component

    def provide_lazily(self, kind: type[T], factory: Callable[[], T]) -> None:
        """Answer requests for `kind` with what `factory` makes at the first one."""
        self._factories[kind] = factory

    def find(self, kind: Any) -> Any:
        """Return the component for an annotation. Raises NotFound."""
        for candidate in _candidates(kind):
            if candidate in self._made:
                return self._made[candidate]
            if candidate in self._factories:
                made = self._made[candidate] = self._factories[candidate]()
                return made
            if inspect.isclass(candidate) and candidate.__module__.startswith("talos.linux."):
                adapter = _adapter(candidate)
                if adapter is not None:
                    made = self._made[candidate] = adapter()
                    return made
        raise errors.NotFound(f"nothing provides {getattr(kind, '__qualname__', kind)}")

    def build(self, cls: type[T]) -> T:
        """Make an instance of `cls`. Raises Permanent naming class and parameter when something is missing."""
        constructor = cls.__init__
        if constructor is object.__init__:
            return cls()
        try:
            hints = typing.get_type_hints(constructor)
        except NameError as error:
            raise errors.Permanent(f"{cls.__qualname__}: annotation cannot be resolved at run time: {error}") from error
        arguments: dict[str, Any] = {}
        for name, parameter in list(inspect.signature(constructor).parameters.items())[1:]:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            try:
                arguments[name] = self.find(hints.get(name))
            except errors.NotFound as error:
                if parameter.default is parameter.empty:
                    raise errors.Permanent(f"{cls.__module__}.{cls.__qualname__}({name}): {error}") from error
        return cls(**arguments)


def _candidates(kind: Any) -> Iterable[Any]:
    """The annotation, or the members of `X | None`."""
    members = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if members and (origin is typing.Union or type(kind).__name__ == "UnionType"):
        return [member for member in members if member is not type(None)]
    return [kind]


def _needs_nothing(cls: type) -> bool:
    try:
        parameters = list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError):
        return False
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _adapter(cls: type) -> type | None:
    """Return the class to make for a class or Protocol of talos.linux: itself, or the one beside it that fits."""
    if not getattr(cls, "_is_protocol", False):
        return cls if _needs_nothing(cls) else None
    wanted = {name for name in vars(cls) if not name.startswith("_")}
    for other in vars(importlib.import_module(cls.__module__)).values():
        if (
            inspect.isclass(other)
            and other is not cls
            and other.__module__ == cls.__module__
            and not getattr(other, "_is_protocol", False)
            and all(hasattr(other, name) for name in wanted)
            and _needs_nothing(other)
        ):
            return other
    return None


def load(reference: str) -> type[Any]:
    """Return the class of an index entry `package.module:Class`."""
    module, _, name = reference.partition(":")
    found = getattr(importlib.import_module(module), name)
    assert inspect.isclass(found)
    return found
