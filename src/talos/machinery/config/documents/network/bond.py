"""Document BondConfig: several links as one."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.network import _sections

MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
XMIT_HASH_POLICIES = ("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4")
ARP_VALIDATE = ("none", "active", "backup", "all", "filter", "filter-active", "filter-backup")


class BondConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A bond; the options are those of the kernel's bonding driver."""

    kind: ClassVar[str] = "BondConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of the link."""
    hardware_addr: values.HardwareAddress = ""
    """Hardware address, when it is not that of a link in it."""
    links: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """Links in the bond."""
    bond_mode: Annotated[str, values.Choice(MODES)] = ""
    """How packets are spread."""
    miimon: values.U32 | None = None
    """Milliseconds between looks at the carrier."""
    updelay: values.U32 | None = None
    """Milliseconds before a link that came up is used."""
    downdelay: values.U32 | None = None
    """Milliseconds before a link that went down is given up."""
    use_carrier: bool | None = None
    """Ask the driver for the carrier instead of by ioctl."""
    xmit_hash_policy: Annotated[str, values.Choice(XMIT_HASH_POLICIES)] = ""
    """How a link is chosen for a packet."""
    arp_interval: values.U32 | None = None
    """Milliseconds between ARP requests."""
    arp_ip_targets: tuple[values.Address, ...] = ()
    """IPv4 addresses that are asked."""
    ns_ip6_targets: tuple[values.Address, ...] = document.named("nsIp6Targets", ())
    """IPv6 addresses that are asked."""
    arp_validate: Annotated[str, values.Choice(ARP_VALIDATE)] = ""
    """Which answers are checked."""
    arp_all_targets: Annotated[str, values.Choice(("any", "all"))] = ""
    """Whether any or all must answer."""
    lacp_rate: Annotated[str, values.Choice(("slow", "fast"))] = ""
    """How often LACP packets are sent."""
    fail_over_mac: Annotated[str, values.Choice(("none", "active", "follow"))] = ""
    """Whose hardware address the bond has in active-backup."""
    ad_select: Annotated[str, values.Choice(("stable", "bandwidth", "count"))] = ""
    """How an aggregator is chosen in 802.3ad."""
    ad_actor_sys_prio: values.U16 | None = None
    """System priority in LACP."""
    ad_user_port_key: values.U16 | None = None
    """Upper bits of the port key in LACP."""
    ad_lacp_active: Annotated[str, values.Choice(("on", "off"))] = document.named("adLACPActive", "")
    """Whether LACP packets are sent unasked."""
    primary: str | None = None
    """Link that is preferred."""
    primary_reselect: Annotated[str, values.Choice(("always", "better", "failure"))] = ""
    """When the preferred link is taken again."""
    resend_igmp: values.U32 | None = document.named("resendIGMP", None)
    """IGMP reports sent after a failover."""
    min_links: values.U32 | None = None
    """Links that must be up for the bond to be up."""
    lp_interval: values.U32 | None = None
    """Seconds between learning packets."""
    packets_per_slave: values.U32 | None = None
    """Packets before the next link is taken in balance-rr."""
    num_peer_notif: values.U8 | None = None
    """Notifications sent after a failover."""
    tlb_logical_lb: values.U8 | None = None
    """Whether flows move between links in balance-tlb and balance-alb."""
    all_slaves_active: values.U8 | None = None
    """Whether packets on passive links are delivered."""
    peer_notif_delay: values.U32 | None = None
    """Milliseconds between notifications."""
    missed_max: values.U8 | None = None
    """Requests without answer before a link is down."""

    def validate(self, found: findings.Findings) -> None:
        """A bond has a name, links and a mode."""
        found.require(self.name, "name")
        found.require(self.links, "links")
        found.require(self.bond_mode, "bondMode")
        self.check_link(found)

    @classmethod
    def example(cls) -> BondConfig:
        """LACP over two ports."""
        return cls(
            name="bond0",
            links=("eth0", "eth1"),
            bond_mode="802.3ad",
            miimon=100,
            updelay=200,
            downdelay=200,
            xmit_hash_policy="layer3+4",
            lacp_rate="slow",
            addresses=(_sections.AddressConfig(address="10.0.0.4/24"),),
            routes=(_sections.RouteConfig(gateway="10.0.0.1"),),
        )
