"""Getting the machine configuration: asked for here, done by the acquire controller."""

from __future__ import annotations

from talos.base import errors
from talos.cosi import state
from talos.machined.sequencer.context import Context
from talos.machinery.resources.config import machine_type
from talos.machinery.resources.v1alpha1.acquire_config_spec import AcquireConfigSpec
from talos.machinery.resources.v1alpha1.acquire_config_status import AcquireConfigStatus
from talos.machinery.types.machine import MachineType

ID = "acquire"
TIMEOUT_S = 365 * 86400.0
"""In maintenance mode a machine waits for a person."""


async def load_config(context: Context) -> None:
    """Ask for the configuration and wait until it is there."""
    await state.put(context.store, AcquireConfigSpec(ID))
    await state.wait_for(context.store, AcquireConfigStatus, ID, lambda found: found is not None, timeout_s=TIMEOUT_S)


async def is_control_plane(context: Context) -> bool:
    """Tell whether this node is to run etcd and the Kubernetes control plane. Waits for the configuration."""
    known = await state.wait_for(
        context.store,
        machine_type.MachineType,
        machine_type.MACHINE_TYPE_ID,
        lambda found: found is not None and found.spec.machine_type is not MachineType.UNKNOWN,
        timeout_s=60,
    )
    if known is None:
        raise errors.NotReady("machine type is not known")
    return known.spec.machine_type in {MachineType.CONTROL_PLANE, MachineType.INIT}
