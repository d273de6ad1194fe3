"""Roots of trust of the Talos API, taken from the machine configuration."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.secrets import _certificates
from talos.machinery.config import container, views
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.secrets import os_root_secret
from talos.machinery.types import pem


def plan(config: container.Container) -> os_root_secret.OSRootSecret.Spec:
    """Return authority, accepted authorities, token and extra names of the machine."""
    machine = views.machine(config)
    dns, ips = _certificates.split_names(machine.cert_sans)
    return os_root_secret.OSRootSecret.Spec(
        issuing_ca=machine.ca,
        accepted_c_as=(pem.Certificate(crt=machine.ca.crt), *machine.accepted_cas),
        cert_sani_ps=tuple(ips),
        cert_sandns_names=tuple(dns),
        token=machine.token,
    )


class RootOSController(controller.Controller):
    """The authority of the Talos API and the token that joins machines to it."""

    inputs = (controller.weak(machine_config.MachineConfig, id=machine_config.ACTIVE_ID),)
    outputs = (controller.exclusive(os_root_secret.OSRootSecret),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the roots once there is a configuration with a machine section."""
        found = await r.find(machine_config.MachineConfig, machine_config.ACTIVE_ID)
        if found is not None and views.machine(found.documents).ca.crt:
            await r.put(os_root_secret.OSRootSecret(os_root_secret.OS_ROOT_ID, plan(found.documents)))
