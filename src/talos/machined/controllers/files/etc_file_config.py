"""Files below /etc that the configuration asks for."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config.documents.runtime.etc_file import EtcFileConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec


class EtcFileConfigController(controller.Controller):
    """One spec for each document."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.shared(EtcFileSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the documents."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        for document in active.documents.all(EtcFileConfig) if active is not None else ():
            spec = EtcFileSpec.Spec(contents=document.contents.encode(), mode=document.mode or 0o644)
            await r.put(EtcFileSpec(document.name, spec))
