"""Loads the wanted kernel modules. None is taken out again, and parameters count when a module is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from talos.base import errors
from talos.cosi import controller
from talos.linux import modules
from talos.machined.modes import Mode
from talos.machinery.resources.runtime.kernel_module_spec import KernelModuleSpec


class KernelModuleSpecController(controller.Controller):
    """Each module once; one that fails does not keep the others, and is tried again."""

    modes = Mode.MACHINE
    inputs = (controller.weak(KernelModuleSpec),)

    def __init__(self) -> None:
        self._load: Callable[[str, Sequence[str]], None] = modules.load
        self._done: set[str] = set()

    async def reconcile(self, r: controller.Handle) -> None:
        """Load what is new. In a thread: a driver may look for its hardware for seconds."""
        failed: Exception | None = None
        for one in await r.list(KernelModuleSpec):
            if one.spec.name in self._done:
                continue
            try:
                await asyncio.to_thread(self._load, one.spec.name, one.spec.parameters)
            except (OSError, errors.NotFound) as error:
                failed = failed or errors.Temporary(f"kernel module {one.spec.name}: {error}")
                continue
            self._done.add(one.spec.name)
        if failed is not None:
            raise failed
