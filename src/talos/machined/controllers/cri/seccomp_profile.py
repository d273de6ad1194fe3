"""Seccomp profiles of the configuration."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.cri.seccomp_profile import SeccompProfile


class SeccompProfileController(controller.Controller):
    """One resource for each profile."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(SeccompProfile),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the configuration."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        config = active.documents.v1alpha1 if active is not None else None
        for profile in config.machine.seccomp_profiles if config is not None and config.machine is not None else ():
            spec = SeccompProfile.Spec(name=profile.name, value=profile.value or {})
            await r.put(SeccompProfile(profile.name, spec))
