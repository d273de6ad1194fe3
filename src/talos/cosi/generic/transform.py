"""One output per input: the mapping is written, finalizers and clean-up come with the shape.

Only inputs that changed are transformed again, unless another input of the controller changed too; so one change among
thousands costs as much as one among ten.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from talos.base import errors
from talos.cosi import controller
from talos.cosi.resource import Phase, Resource

I = TypeVar("I", bound=Resource[Any])  # noqa: E741 the conventional letter
O = TypeVar("O", bound=Resource[Any])  # noqa: E741 the conventional letter


class Transform(controller.Controller, Generic[I, O]):
    """For each running input, `transform` gives the output (None: no output).

    Subclasses set `source`, `target` and may add to `extra_inputs` / `extra_outputs`. With `finalizers` the input is
    held until its output is destroyed, and `finalize` runs before.
    """

    source: ClassVar[type[Resource[Any]]]
    target: ClassVar[type[Resource[Any]]]
    extra_inputs: ClassVar[Sequence[controller.Input]] = ()
    extra_outputs: ClassVar[Sequence[controller.Output]] = ()
    finalizers: ClassVar[bool] = False
    # Input id -> namespace and id of its output: from this pass, and from the one before.
    _made: dict[str, tuple[str, str]]
    _before: dict[str, tuple[str, str]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "source" in cls.__dict__:
            own = controller.strong(cls.source) if cls.finalizers else controller.weak(cls.source)
            follow = (controller.destroy_ready(cls.target),) if cls.finalizers else ()
            cls.inputs = (own, *follow, *cls.extra_inputs)
            cls.outputs = (controller.exclusive(cls.target), *cls.extra_outputs)

    @abstractmethod
    async def transform(self, r: controller.Handle, source: I) -> O | None:
        """Return the output for `source`. NotReady skips this input only."""

    async def finalize(self, r: controller.Handle, source: I) -> None:
        """Clean up outside of the state before the input goes. Raise to try again later."""

    async def reconcile(self, r: controller.Handle) -> None:
        """Transform inputs; the first failure is raised after all have had their turn."""
        ids = self._only(r)
        failed: Exception | None = None
        if ids is None:
            # What is not written in a full pass is torn down by the runtime.
            self._before, self._made = getattr(self, "_made", {}), {}
            sources = await r.list(self.source)
        else:
            r.partial()
            self._before = self._made
            sources = await self._changed(r, ids)
        for source in sources:
            try:
                await self._one(r, source)  # type: ignore[arg-type]
            except errors.NotReady as reason:
                r.log.debug("%s: %s", source.metadata, reason)
                await self._keep(r, source.metadata.id)
            except Exception as error:
                failed = failed or error
                await self._keep(r, source.metadata.id)
        if failed is not None:
            raise failed

    async def _changed(self, r: controller.Handle, ids: frozenset[str]) -> list[Resource[Any]]:
        """The changed inputs that exist; those that are gone lose their outputs."""
        sources: list[Resource[Any]] = []
        for id in sorted(ids):
            found = await r.find(self.source, id)
            if found is not None:
                sources.append(found)
            else:
                await self._drop(r, id)
        return sources

    def _where(self, id: str) -> tuple[str, str]:
        """Namespace and id of the output of an input."""
        return self._made.get(id) or self._before.get(id) or (self.target.definition.namespace, id)

    def _only(self, r: controller.Handle) -> frozenset[str] | None:
        """Ids of inputs to look at; None: all of them."""
        if self.extra_outputs or any(r.changed(i.cls, namespace=i.namespace) for i in self.extra_inputs):
            return None
        ids = r.changed(self.source)
        gone = r.changed(self.target)
        if ids is None or gone is None or not gone:
            return ids
        # Outputs let go by their last reader: their inputs wait for that.
        return ids | {source for source, (_, output) in self._made.items() if output in gone}

    async def _keep(self, r: controller.Handle, id: str) -> None:
        """An input that is not ready keeps the output it had."""
        namespace, output = self._where(id)
        stored = await r.find(self.target, output, namespace=namespace)
        if stored is not None and stored.metadata.phase is Phase.RUNNING:
            await self._write(r, id, stored)  # type: ignore[arg-type]

    async def _write(self, r: controller.Handle, id: str, made: O) -> None:
        where = (made.metadata.namespace, made.metadata.id)
        if self._made.get(id, where) != where:
            await self._drop(r, id)
        self._made[id] = where
        await r.put(made)

    async def _drop(self, r: controller.Handle, id: str) -> None:
        """The input has no output any more."""
        if (where := self._made.pop(id, None)) is not None:
            await r.destroy(self.target, where[1], namespace=where[0])

    async def _one(self, r: controller.Handle, source: I) -> None:
        id = source.metadata.id
        if source.metadata.phase is not Phase.RUNNING:
            if self.finalizers:
                await self._release(r, source)
            else:
                await self._drop(r, id)
            return
        if self.finalizers:
            await r.add_finalizer(type(source), id)
        made = await self.transform(r, source)
        if made is None:
            await self._drop(r, id)
        else:
            await self._write(r, id, made)

    async def _release(self, r: controller.Handle, source: I) -> None:
        id = source.metadata.id
        if self.name not in source.metadata.finalizers:
            return
        namespace, output = self._made[id] = self._where(id)
        await r.destroy(self.target, output, namespace=namespace)
        if await r.find(self.target, output, namespace=namespace) is not None:
            return
        await self.finalize(r, source)
        await r.remove_finalizer(type(source), id)
        self._made.pop(id, None)
