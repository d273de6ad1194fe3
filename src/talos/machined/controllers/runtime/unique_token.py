"""The token by which a management server knows this machine: the configuration's, else the one in META."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.config.documents.siderolink.sidero_link import SideroLinkConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.meta_key import MetaKey
from talos.machinery.resources.runtime.meta_load import META_LOADED_ID, MetaLoad
from talos.machinery.resources.runtime.unique_machine_token import UNIQUE_MACHINE_TOKEN_ID, UniqueMachineToken

META_KEY = "0x10"


class UniqueMachineTokenController(controller.Controller):
    """Waits for META, so that nobody takes a machine with a token for one without."""

    modes = Mode.MACHINE
    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(MetaKey, id=META_KEY),
        controller.weak(MetaLoad, id=META_LOADED_ID),
    )
    outputs = (controller.exclusive(UniqueMachineToken),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource; the token is empty where there is none."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        document = active.documents.one(SideroLinkConfig) if active is not None else None
        token = document.unique_token if document is not None else ""
        if not token:
            if await r.find(MetaLoad, META_LOADED_ID) is None:
                return
            kept = await r.find(MetaKey, META_KEY)
            token = kept.spec.value if kept is not None else ""
        await r.put(UniqueMachineToken(UNIQUE_MACHINE_TOKEN_ID, UniqueMachineToken.Spec(token=token)))
