"""Links the kernel has, as LinkStatus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talos.cosi import controller
from talos.linux import netlink
from talos.linux.netlink import ethtool, monitor
from talos.machined.controllers.network import _bond, _observer, _texts
from talos.machinery.resources.network import link_spec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network


def _kind_settings(link: netlink.link.Link, names: Mapping[int, str]) -> dict[str, Any]:
    data = link.data
    match link.kind:
        case "vlan":
            protocol = network.VLANProtocol.from_number(data.get("protocol", network.VLANProtocol.DOT1Q.number))
            return {"vlan": link_spec.VLANSpec(vid=data.get("id", 0), protocol=protocol)}
        case "bridge":
            stp = link_spec.STPSpec(enabled=bool(data.get("stp_state", 0)))
            vlan = link_spec.BridgeVLANSpec(filtering_enabled=bool(data.get("vlan_filtering", 0)))
            return {"bridge_master": link_spec.BridgeMasterSpec(stp=stp, vlan=vlan)}
        case "bond":
            return {"bond_master": _bond.from_kernel(data, lambda index: names.get(index, ""))}
        case "vrf":
            table = data.get("table", 0)
            known = network.RoutingTable.from_number(table) if table < 256 else network.RoutingTable.UNSPEC
            return {"vrf_master": link_spec.VRFMasterSpec(table=known)}
        case "veth" if link.netns_id < 0:
            return {"veth": link_spec.VethSpec(peer_name=names.get(link.parent, ""))}
        case _:
            return {}


def _link_type(number: int) -> network.LinkType:
    try:
        return network.LinkType.from_number(number)
    except ValueError:
        return network.LinkType.VOID


def _port(number: int) -> network.Port:
    try:
        return network.Port.from_number(number)
    except ValueError:
        return network.Port.OTHER


def spec(link: netlink.link.Link, names: Mapping[int, str], details: ethtool.Details) -> LinkStatus.Spec:
    """The resource for one link; `names` are all links by index."""
    return LinkStatus.Spec(
        alias=link.alias,
        alt_names=link.alternative_names,
        index=link.index,
        type=_link_type(link.hardware_type),
        link_index=link.parent,
        flags=_texts.link_flags(link.flags),
        hardware_addr=link.address,
        permanent_addr=link.permanent_address or link.address,
        broadcast_addr=link.broadcast,
        mtu=link.mtu,
        queue_disc=link.qdisc,
        master_index=link.master,
        operational_state=network.OperationalState.from_number(link.operstate),
        kind=link.kind,
        slave_kind=link.port_kind,
        bus_path=link.parent_device or details.bus,
        driver=details.driver,
        driver_version=details.driver_version,
        firmware_version=details.firmware_version,
        link_state=link.up and link.carrier,
        speed_megabits=details.speed_mbit,
        port=_port(details.port),
        duplex=network.Duplex.from_number(details.duplex) if details.duplex in (0, 1) else network.Duplex.UNKNOWN,
        **_kind_settings(link, names),
    )


class LinkStatusController(_observer.Observer):
    """Reports all links."""

    outputs = (controller.exclusive(LinkStatus),)
    groups = monitor.LINKS

    async def reconcile(self, r: controller.Handle) -> None:
        """Look at all links anew."""
        with self.connect() as rt, ethtool.Ethtool(self.namespace) as tool:
            links = rt.links()
            made = {link.name: (link, tool.details(link.name)) for link in links}
        names = {link.index: link.name for link in links}
        for name, (link, details) in made.items():
            await r.put(LinkStatus(name, spec(link, names, details)))
