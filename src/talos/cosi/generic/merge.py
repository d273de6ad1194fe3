"""Layers merged into one: specs of "<domain>-config" become the specs of "<domain>".

An input is named "<layer>/<id>"; all inputs that end in the same id are merged, lowest layer first.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from typing import Any, ClassVar, Generic, TypeVar

from talos.cosi import controller
from talos.cosi.resource import Phase, Resource

R = TypeVar("R", bound=Resource[Any])


class Merge(controller.Controller, Generic[R]):
    """Subclasses set `kind`, `layers` (namespace of the inputs) and write `key`, `rank` and `merge`."""

    kind: ClassVar[type[Resource[Any]]]
    layers: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            cls.inputs = (controller.strong(cls.kind, namespace=cls.layers),)
            cls.outputs = (controller.shared(cls.kind),)

    def key(self, source: R) -> str:
        """Id of the merged resource; by default what follows the layer."""
        return source.metadata.id.partition("/")[2] or source.metadata.id

    @abstractmethod
    def rank(self, source: R) -> int:
        """Place of the layer: lower is merged earlier."""

    @abstractmethod
    def merge(self, lower: Any, upper: Any) -> Any:
        """Return the spec of `upper` laid over `lower`."""

    async def reconcile(self, r: controller.Handle) -> None:
        """Merge every group that has a running input."""
        groups: defaultdict[str, list[Any]] = defaultdict(list)
        for source in await r.list(self.kind, namespace=self.layers):
            if source.metadata.phase is Phase.RUNNING:
                groups[self.key(source)].append(source)  # type: ignore[arg-type]
        for id, sources in groups.items():
            sources.sort(key=lambda s: (self.rank(s), s.metadata.id))
            spec = sources[0].spec
            for upper in sources[1:]:
                spec = self.merge(spec, upper.spec)
            await r.put(self.kind(id, spec))
