"""The merged host name is given to the kernel and reported as HostnameStatus.

In a container the name is the container runtime's business: it is reported, not set.
"""

from __future__ import annotations

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.linux import uts
from talos.machined.modes import Mode
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID, HostnameSpec
from talos.machinery.resources.network.hostname_status import HostnameStatus


class ContainerHostnameSpecController(controller.Controller):
    """Reports the host name in force."""

    name = "network.HostnameSpecController"
    inputs = (controller.strong(HostnameSpec),)
    outputs = (controller.exclusive(HostnameStatus),)
    modes = Mode.CONTAINER

    async def reconcile(self, r: controller.Handle) -> None:
        """The status follows the spec."""
        for source in await r.list(HostnameSpec):
            if source.metadata.phase is not Phase.RUNNING:
                await r.remove_finalizer(HostnameSpec, source.id)
            elif source.id == HOSTNAME_ID and source.spec.hostname:
                await r.add_finalizer(HostnameSpec, source.id)
                self.apply(source.spec)
                status = HostnameStatus.Spec(hostname=source.spec.hostname, domainname=source.spec.domainname)
                await r.put(HostnameStatus(source.id, status))

    def apply(self, spec: HostnameSpec.Spec) -> None:
        """Nothing is changed in a container."""


class HostnameSpecController(ContainerHostnameSpecController):
    """Sets the host name and reports it."""

    name = "network.HostnameSpecController"
    modes = Mode.MACHINE

    def __init__(self, names: uts.UtsName) -> None:
        self._names = names

    def apply(self, spec: HostnameSpec.Spec) -> None:
        """Set both names where they differ."""
        if self._names.hostname() != spec.hostname:
            self._names.set_hostname(spec.hostname)
        self._names.set_domainname(spec.domainname or "(none)")
