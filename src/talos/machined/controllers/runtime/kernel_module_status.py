"""The kernel's modules as resources: those that are part of it and those that were loaded."""

from __future__ import annotations

from pathlib import Path

from talos.cosi import controller
from talos.linux import modules
from talos.machined.modes import Mode
from talos.machinery.resources.runtime.kernel_module_spec import KernelModuleSpec
from talos.machinery.resources.runtime.kernel_module_status import KernelModuleStatus
from talos.machinery.resources.runtime.loaded_kernel_module import LoadedKernelModule
from talos.machinery.types import runtime

INTERVAL_S = 30.0
_STATES = {
    "Live": runtime.KernelModuleState.LIVE,
    "Loading": runtime.KernelModuleState.LOADING,
    "Unloading": runtime.KernelModuleState.UNLOADING,
}


class KernelModuleStatusController(controller.Controller):
    """Looks at the list when a module was asked for, and twice a minute: the kernel announces it to nobody."""

    modes = Mode.MACHINE
    inputs = (controller.weak(KernelModuleSpec),)
    outputs = (controller.exclusive(LoadedKernelModule), controller.exclusive(KernelModuleStatus))

    def __init__(self) -> None:
        self._proc: Path = modules.PROC_MODULES
        self._folder: Path | None = None

    async def reconcile(self, r: controller.Handle) -> None:
        """One look. A loaded module wins over a name in the list of built-in ones."""
        found = {one.name: one for one in modules.loaded(self._proc)}
        for name in modules.builtin(self._folder):
            if name not in found:
                spec = KernelModuleStatus.Spec(
                    type=runtime.KernelModuleType.BUILTIN, state=runtime.KernelModuleState.BUILTIN
                )
                await r.put(KernelModuleStatus(name, spec))
        for name, one in found.items():
            await r.put(
                KernelModuleStatus(
                    name,
                    KernelModuleStatus.Spec(
                        type=runtime.KernelModuleType.DYNAMIC,
                        size=one.size,
                        reference_count=one.references,
                        dependencies=one.dependencies,
                        state=_STATES.get(one.state, runtime.KernelModuleState.LIVE),
                        address=one.address,
                    ),
                )
            )
            await r.put(
                LoadedKernelModule(
                    name,
                    LoadedKernelModule.Spec(
                        size=one.size,
                        reference_count=one.references,
                        dependencies=one.dependencies,
                        state=one.state,
                        address=one.address,
                    ),
                )
            )
        r.wake_after(INTERVAL_S)
