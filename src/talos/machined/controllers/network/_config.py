"""What the network controllers read of a machine configuration beside `views`: finer than the views give it. Pure."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import container, views
from talos.machinery.config.documents.network.resolver import ResolverConfig
from talos.machinery.config.documents.network.time_sync import TimeSyncConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.resolver_spec import NameServerSpec
from talos.machinery.types import network

_EMPTY = container.Container(None)
_PROTOCOLS = {str(one).lower(): one for one in network.DNSProtocol}


async def active(r: controller.Handle) -> container.Container:
    """The machine configuration in use, an empty one before there is one."""
    found = await r.find(MachineConfig, ACTIVE_ID)
    return found.documents if found else _EMPTY


def name_servers(config: container.Container) -> tuple[NameServerSpec, ...]:
    """Configured name servers with their protocols."""
    document = config.one(ResolverConfig)
    if document is None or not document.nameservers:
        return tuple(NameServerSpec(addr=one) for one in views.resolvers(config).servers)
    return tuple(
        NameServerSpec(
            addr=one.address,
            protocol=_PROTOCOLS.get(one.protocol.lower(), network.DNSProtocol.DEFAULT),
            tls_server_name=one.tls_server_name,
        )
        for one in document.nameservers
    )


def use_nts(config: container.Container) -> bool:
    """Whether time servers are asked with authentication."""
    document = config.one(TimeSyncConfig)
    return bool(document and document.ntp and document.ntp.use_nts)


def sort_algorithm(config: container.Container) -> network.AddressSortAlgorithm:
    """In which order addresses are listed."""
    machine = config.v1alpha1.machine if config.v1alpha1 else None
    chosen = machine.features.node_address_sort_algorithm.lower() if machine and machine.features else ""
    return network.AddressSortAlgorithm.V2 if chosen == "v2" else network.AddressSortAlgorithm.V1
