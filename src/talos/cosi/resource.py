"""Resources: metadata plus an immutable, typed spec.

A resource type is a subclass of `Resource` with a `definition` and a nested `Spec`. Resources are values: the state
hands out instances that nobody mutates, a change is a new instance (`with_spec`, `with_metadata`). The vocabulary is
that of COSI (https://github.com/cosi-project/specification).
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from talos.base import errors

S = TypeVar("S")
R = TypeVar("R", bound="Resource[Any]")

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Phase(enum.StrEnum):
    """Where a resource is in its life."""

    RUNNING = "running"
    TEARING_DOWN = "tearingDown"


class Sensitivity(enum.Enum):
    """Who may read specs of a type over the API. Values are those of cosi.resource.meta."""

    NONSENSITIVE = 0
    SENSITIVE = 1


@dataclass(slots=True)
class Metadata:
    """Identity and life of a resource. `version` 0 means: never stored."""

    namespace: str
    type: str
    id: str
    version: int = 0
    owner: str = ""
    phase: Phase = Phase.RUNNING
    created: datetime.datetime = _EPOCH
    updated: datetime.datetime = _EPOCH
    finalizers: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def replace(self, **changes: Any) -> Metadata:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def version_text(self) -> str:
        """Version as it travels: "1", "2", … or "undefined"."""
        return str(self.version) if self.version else "undefined"

    def __str__(self) -> str:
        return f"{self.type}({self.namespace}/{self.id}@{self.version_text})"


@dataclass(frozen=True, slots=True)
class PrintColumn:
    """A column of `talosctl get`: header and JSONPath into the spec's YAML."""

    name: str
    json_path: str


@dataclass(frozen=True, slots=True)
class Definition:
    """What is the same for all resources of a type.

    `message` is the full protobuf name of the spec, if it has one. With `plain_aliases` a type has no names but its
    explicit ones. An `internal` type is not published: controllers use it, clients can not ask for it.
    """

    type: str
    namespace: str
    aliases: tuple[str, ...] = ()
    print_columns: tuple[PrintColumn, ...] = ()
    sensitivity: Sensitivity = Sensitivity.NONSENSITIVE
    message: str = ""
    plain_aliases: bool = False
    internal: bool = False


class Resource(Generic[S]):
    """Base of all resource types; subclasses set `definition` and nest `Spec`."""

    definition: ClassVar[Definition]
    Spec: ClassVar[type[Any]]

    __slots__ = ("metadata", "spec")

    def __init__(
        self,
        id: str,
        spec: S | None = None,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """Make a resource that is not stored yet. Without `spec` it is `Spec()`."""
        definition = self.definition
        self.metadata = Metadata(
            namespace=definition.namespace if namespace is None else namespace,
            type=definition.type,
            id=id,
            labels=dict(labels or {}),
            annotations=dict(annotations or {}),
        )
        self.spec: S = self.Spec() if spec is None else spec

    @property
    def id(self) -> str:
        """Shorthand for metadata.id."""
        return self.metadata.id

    def with_metadata(self: R, metadata: Metadata) -> R:
        """Return the same spec under other metadata."""
        return self._make(metadata, self.spec)

    def with_spec(self: R, spec: Any) -> R:
        """Return the same metadata with another spec."""
        return self._make(self.metadata, spec)

    def _make(self: R, metadata: Metadata, spec: Any) -> R:
        made = object.__new__(type(self))
        made.metadata = metadata
        made.spec = spec
        return made

    def same_content(self, other: Resource[Any]) -> bool:
        """Whether nothing that counts as a change differs: spec, labels, annotations, finalizers, phase."""
        mine, theirs = self.metadata, other.metadata
        return (
            self.spec == other.spec
            and mine.phase == theirs.phase
            and mine.finalizers == theirs.finalizers
            and mine.labels == theirs.labels
            and mine.annotations == theirs.annotations
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return self.metadata == other.metadata and self.spec == other.spec

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.metadata} {self.spec!r}>"


def check_id(id: str) -> None:
    """Raise Invalid for an id that can not be stored."""
    if not id:
        raise errors.Invalid("resource id must not be empty")


def tombstone(cls: type[R], namespace: str | None, id: str) -> R:
    """Return what stands for a resource that is not there: identity, version 0, spec None."""
    made = object.__new__(cls)
    where = cls.definition.namespace if namespace is None else namespace
    made.metadata = Metadata(where, cls.definition.type, id)
    made.spec = None
    return made
