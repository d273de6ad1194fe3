"""Which links ask for their configuration: those the configuration names, else every Ethernet port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from talos.cosi import controller
from talos.machined.controllers.network import _config, _devices, _merging, _texts, hardware_addr
from talos.machined.modes import Mode
from talos.machinery.config import container
from talos.machinery.config.documents.network.dhcpv4 import DHCPv4Config
from talos.machinery.config.documents.network.link import LinkConfig
from talos.machinery.config.views.machine import machine_section
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.operator_spec import ClientIdentifierSpec, DHCP4OperatorSpec, OperatorSpec
from talos.machinery.types import network

DEFAULT_METRIC = 1024
_IDENTIFIERS = {str(one).lower(): one for one in network.ClientIdentifier}


def dhcp4(link: str, layer: network.ConfigLayer, settings: DHCP4OperatorSpec) -> OperatorSpec.Spec:
    """A DHCPv4 client on a link."""
    return OperatorSpec.Spec(
        operator=network.Operator.DHCP4, link_name=link, require_up=True, dhcp4=settings, config_layer=layer
    )


def _from_document(found: DHCPv4Config) -> DHCP4OperatorSpec:
    kind = _IDENTIFIERS.get(found.client_identifier or "mac", network.ClientIdentifier.MAC)
    return DHCP4OperatorSpec(
        route_metric=found.route_metric or DEFAULT_METRIC,
        skip_hostname_request=bool(found.ignore_hostname),
        skip_routes=bool(found.ignore_routes),
        client_identifier=ClientIdentifierSpec(
            client_identifier=kind, duid_raw_hex=str(found.duid_raw).replace(":", "")
        ),
    )


def plan(
    config: container.Container, ports: Iterable[str], names: Mapping[str, str] = MappingProxyType({})
) -> list[OperatorSpec.Spec]:
    """The wanted clients; pure. `ports` are the machine's own Ethernet ports, `names` other names of links.

    A port that the configuration speaks of gets what the configuration says, and nothing by default.
    """

    def real(name: str) -> str:
        return names.get(name, name)

    layer = network.ConfigLayer.MACHINE_CONFIGURATION
    wanted: dict[str, OperatorSpec.Spec] = {}
    spoken_of = {real(one.name) for one in config.all(LinkConfig)}
    section = machine_section(config)
    for device in section.network.interfaces if section and section.network else ():
        name = real(device.interface)
        spoken_of.add(name)
        options = device.dhcp_options
        if device.dhcp and device.interface and not device.ignore and (options is None or options.ipv4 is not False):
            metric = (options.route_metric if options else 0) or DEFAULT_METRIC
            settings = DHCP4OperatorSpec(route_metric=metric)
            wanted[name] = dhcp4(name, layer, settings)
    for document in config.all(DHCPv4Config):
        wanted[real(document.name)] = dhcp4(real(document.name), layer, _from_document(document))
    for port in ports:
        if port not in wanted and port not in spoken_of:
            settings = DHCP4OperatorSpec(route_metric=DEFAULT_METRIC)
            wanted[port] = dhcp4(port, network.ConfigLayer.DEFAULT, settings)
    return list(wanted.values())


def _ports(links: Mapping[str, LinkStatus.Spec]) -> list[str]:
    return sorted(name for name, link in links.items() if link.kind == "" and hardware_addr.is_physical(link))


class OperatorConfigController(controller.Controller):
    """Writes the layers `default` and `configuration` of OperatorSpec."""

    modes = Mode.MACHINE
    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkStatus))
    outputs = (controller.shared(OperatorSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One client per link."""
        links = {one.id: one.spec for one in await r.list(LinkStatus)}
        for spec in plan(await _config.active(r), _ports(links), _devices.real_names(links)):
            id = _texts.layered(spec.config_layer, f"{spec.operator}/{spec.link_name}")
            await r.put(OperatorSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE))
