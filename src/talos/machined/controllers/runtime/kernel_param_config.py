"""Kernel parameters the configuration asks for."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.kernel_param_spec import KernelParamSpec


class KernelParamConfigController(controller.Controller):
    """sysctls and sysfs values as specs, ids prefixed by the tree they are in."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.shared(KernelParamSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One spec for each entry."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        if active is None:
            return
        for name, value in views.sysctls(active.documents).items():
            await r.put(KernelParamSpec(f"proc.sys.{name}", KernelParamSpec.Spec(value=value)))
        for name, value in views.sysfs(active.documents).items():
            await r.put(KernelParamSpec(f"sys.{name}", KernelParamSpec.Spec(value=value)))
