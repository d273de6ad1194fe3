"""One output per input: the mapping is written, finalizers and clean-up come with the shape."""

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
        """Transform every input; the first failure is raised after all have had their turn."""
        failed: Exception | None = None
        for source in await r.list(self.source):
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

    async def _keep(self, r: controller.Handle, id: str) -> None:
        """An input that is not ready keeps the output it had."""
        stored = await r.find(self.target, id)
        if stored is not None and stored.metadata.phase is Phase.RUNNING:
            await r.put(stored)

    async def _one(self, r: controller.Handle, source: I) -> None:
        running = source.metadata.phase is Phase.RUNNING
        if not running and not self.finalizers:
            return
        if not running:
            await self._release(r, source)
            return
        if self.finalizers:
            await r.add_finalizer(type(source), source.metadata.id)
        made = await self.transform(r, source)
        if made is not None:
            await r.put(made)

    async def _release(self, r: controller.Handle, source: I) -> None:
        if self.name not in source.metadata.finalizers:
            return
        await r.destroy(self.target, source.metadata.id)
        if await r.find(self.target, source.metadata.id) is not None:
            return
        await self.finalize(r, source)
        await r.remove_finalizer(type(source), source.metadata.id)
