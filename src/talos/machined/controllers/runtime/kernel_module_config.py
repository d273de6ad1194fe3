"""Kernel modules the node needs: those the configuration names, and those its links are made of."""

from __future__ import annotations

from collections.abc import Iterable

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.config import container
from talos.machinery.config.documents.runtime.kernel_module import KernelModuleConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_spec import LinkSpec
from talos.machinery.resources.runtime.kernel_module_spec import KernelModuleSpec

LINK_MODULES = {"bond": "bonding", "vlan": "8021q", "wireguard": "wireguard", "bridge": "bridge", "vrf": "vrf"}


def plan(config: container.Container | None, link_kinds: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Name -> parameters. A document wins over the section, and both over what links need."""
    found: dict[str, tuple[str, ...]] = {LINK_MODULES[kind]: () for kind in link_kinds if kind in LINK_MODULES}
    if config is None:
        return found
    machine = config.v1alpha1.machine if config.v1alpha1 is not None else None
    for section in machine.kernel.modules if machine is not None and machine.kernel is not None else ():
        found[section.name] = section.parameters
    for document in config.all(KernelModuleConfig):
        found[document.name] = document.parameters
    return found


class KernelModuleConfigController(controller.Controller):
    """One spec for each module."""

    modes = Mode.MACHINE
    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkSpec))
    outputs = (controller.shared(KernelModuleSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the configuration and the links."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        kinds = [one.spec.kind for one in await r.list(LinkSpec) if one.spec.logical]
        for name, parameters in plan(active.documents if active is not None else None, kinds).items():
            await r.put(KernelModuleSpec(name, KernelModuleSpec.Spec(name=name, parameters=parameters)))
