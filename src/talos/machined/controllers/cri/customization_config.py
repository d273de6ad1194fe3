"""Additions to containerd's configuration, as the configuration documents give them."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config.documents.cri.cri_customization import CRICustomizationConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.cri.customization_config import CustomizationConfig

_OLD_PATH = "/etc/cri/conf.d/20-customization.part"


class CustomizationConfigController(controller.Controller):
    """One resource for each document; `machine.files` with the customary path is the old way to say the same."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(CustomizationConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the configuration."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        if active is None:
            return
        for document in active.documents.all(CRICustomizationConfig):
            await r.put(CustomizationConfig(document.name, CustomizationConfig.Spec(content=document.content)))
        config = active.documents.v1alpha1
        for file in config.machine.files if config is not None and config.machine is not None else ():
            if file.path == _OLD_PATH:
                await r.put(CustomizationConfig("v1alpha1", CustomizationConfig.Spec(content=file.content)))
