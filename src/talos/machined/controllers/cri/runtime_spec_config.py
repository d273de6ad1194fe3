"""Changes to the runtime specification every pod container starts from."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config.documents.cri.cri_base_runtime_spec import CRIBaseRuntimeSpecConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.cri.base_runtime_spec_config import (
    BASE_RUNTIME_SPEC_OVERRIDES_ID,
    BaseRuntimeSpecConfig,
)


class RuntimeSpecConfigController(controller.Controller):
    """The document, else `machine.baseRuntimeSpecOverrides`; nothing when neither says anything."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(BaseRuntimeSpecConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the configuration."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        if active is None:
            return
        document = active.documents.one(CRIBaseRuntimeSpecConfig)
        overrides = document.overrides if document is not None else None
        config = active.documents.v1alpha1
        if overrides is None and config is not None and config.machine is not None:
            overrides = config.machine.base_runtime_spec_overrides
        if overrides:
            spec = BaseRuntimeSpecConfig.Spec(object=overrides)
            await r.put(BaseRuntimeSpecConfig(BASE_RUNTIME_SPEC_OVERRIDES_ID, spec))
