"""What a controller is: declared inputs and outputs, and a reconcile that makes outputs follow inputs.

A controller never sees the state itself but a `Handle`, which refuses what was not declared. Reconcile runs at start
and after any change of an input; several changes lead to one run. It is written as if it ran for the first time: look
at all inputs, put all outputs. What it does not put again is torn down (`track_outputs`).
"""

from __future__ import annotations

import enum
import logging
import re
from abc import ABC
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from talos.base import errors
from talos.cosi.resource import Resource
from talos.cosi.state import Query

R = TypeVar("R", bound=Resource[Any])


class UndeclaredAccess(errors.Permanent):
    """A controller read or wrote a resource type it has not declared: a bug in the controller."""


class InputKind(enum.Enum):
    """How an input is used. Values are those of inspect.DependencyEdgeType."""

    STRONG = 1
    WEAK = 2
    DESTROY_READY = 4


class OutputKind(enum.Enum):
    """How an output is shared. Values are those of inspect.DependencyEdgeType."""

    EXCLUSIVE = 0
    SHARED = 3


@dataclass(frozen=True, slots=True)
class Input:
    """A resource type (or one resource) the controller reads and wakes on."""

    cls: type[Resource[Any]]
    kind: InputKind
    namespace: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A resource type the controller writes."""

    cls: type[Resource[Any]]
    kind: OutputKind


def weak(cls: type[Resource[Any]], *, namespace: str | None = None, id: str | None = None) -> Input:
    """Wake on every change."""
    return Input(cls, InputKind.WEAK, cls.definition.namespace if namespace is None else namespace, id)


def strong(cls: type[Resource[Any]], *, namespace: str | None = None, id: str | None = None) -> Input:
    """Wake on every change; finalizers may be put on it."""
    return Input(cls, InputKind.STRONG, cls.definition.namespace if namespace is None else namespace, id)


def destroy_ready(cls: type[Resource[Any]], *, namespace: str | None = None, id: str | None = None) -> Input:
    """Wake only when a resource is torn down and free of finalizers."""
    return Input(cls, InputKind.DESTROY_READY, cls.definition.namespace if namespace is None else namespace, id)


def exclusive(cls: type[Resource[Any]]) -> Output:
    """Only this controller writes the type."""
    return Output(cls, OutputKind.EXCLUSIVE)


def shared(cls: type[Resource[Any]]) -> Output:
    """Several controllers write the type; each owns its own resources."""
    return Output(cls, OutputKind.SHARED)


class Handle(Protocol):
    """A controller's door to the state. Undeclared access raises UndeclaredAccess."""

    log: logging.Logger

    async def get(self, cls: type[R], id: str, *, namespace: str | None = None) -> R:
        """Return an input or own output. Raises NotFound."""
        ...

    async def find(self, cls: type[R], id: str, *, namespace: str | None = None) -> R | None:
        """Return an input or own output, or None."""
        ...

    async def list(self, cls: type[R], *, namespace: str | None = None, query: Query | None = None) -> list[R]:
        """Return inputs or own outputs, ordered by id."""
        ...

    async def put(self, res: R) -> R:
        """Create or update an output. Raises NotReady while an earlier one of that id is held by finalizers."""
        ...

    async def modify(
        self, cls: type[R], id: str, fn: Callable[[Any], Any], *, namespace: str | None = None, default: Any = None
    ) -> R:
        """Apply `fn` to the spec of an output; with `default` a missing one is created. Raises NotFound, NotReady."""
        ...

    async def destroy(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        """Tear an output down and remove it; while finalizers hold it, the controller wakes when they are gone."""
        ...

    async def add_finalizer(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        """Hold a strong input. Raises NotFound, PhaseConflict."""
        ...

    async def remove_finalizer(self, cls: type[Resource[Any]], id: str, *, namespace: str | None = None) -> None:
        """Let a strong input go."""
        ...

    def wake(self) -> None:
        """Reconcile again soon, with everything counted as changed."""
        ...

    def wake_after(self, delay_s: float) -> None:
        """Reconcile after a delay; there is one timer, the earliest wins."""
        ...

    def set_inputs(self, inputs: Sequence[Input]) -> None:
        """Declare other inputs from now on."""
        ...

    def changed(self, cls: type[Resource[Any]], *, namespace: str | None = None) -> frozenset[str] | None:
        """Ids of an input that changed since the last good reconcile. None: all must be looked at."""
        ...

    def partial(self) -> None:
        """This reconcile looks at changed inputs only: own outputs it does not put stay."""
        ...

    def changes(self) -> AsyncIterator[None]:
        """For `run`: one turn at the start and after changes."""
        ...

    async def reconcile(self) -> None:
        """For `run`: call the controller's reconcile with tracking and back-off."""
        ...


def _default_name(cls: type) -> str:
    """`talos.machined.controllers.network.hostname_spec.HostnameSpec` -> `network.HostnameSpecController`."""
    domain = re.sub(r"\.[^.]+$", "", cls.__module__).rsplit(".", 1)[-1]
    name = cls.__name__
    return f"{domain}.{name if name.endswith('Controller') else name + 'Controller'}"


class Controller(ABC):
    """Base of all controllers. Constructor parameters are what it needs; class attributes are its contract."""

    name: ClassVar[str] = ""
    inputs: ClassVar[Sequence[Input]] = ()
    outputs: ClassVar[Sequence[Output]] = ()
    track_outputs: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = _default_name(cls)

    async def reconcile(self, r: Handle) -> None:
        """Make the outputs follow the inputs.

        NotReady waits for the next event; Temporary retries after its delay; anything else retries with back-off.
        """
        raise TypeError(f"{type(self).__name__} overrides neither reconcile nor run")

    async def run(self, r: Handle) -> None:
        """Reconcile after each change, for ever. Override to watch something outside of the state too."""
        async for _ in r.changes():
            await r.reconcile()
