"""Files and variables the configuration gives to services of extensions."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config.documents.runtime.extension_service import ExtensionServiceConfig as ExtensionDocument
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.extension_service_config import (
    ExtensionServiceConfig,
    ExtensionServiceConfigFile,
)


class ExtensionServiceConfigController(controller.Controller):
    """One resource for each document."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(ExtensionServiceConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the documents."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        for one in active.documents.all(ExtensionDocument) if active is not None else ():
            files = tuple(
                ExtensionServiceConfigFile(content=file.content, mount_path=file.mount_path)
                for file in one.config_files
            )
            spec = ExtensionServiceConfig.Spec(files=files, environment=one.environment)
            await r.put(ExtensionServiceConfig(one.name, spec))
