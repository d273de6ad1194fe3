"""Section `machine.network` of v1alpha1; replaced by one document for each kind of link."""

from __future__ import annotations

from typing import Annotated

from talos.machinery.config import document, values


class NetworkDeviceSelector(document.Section, frozen=True, kw_only=True):
    """Properties of a network device; all given ones must match."""

    bus_path: str = ""
    """PCI, USB or virtio path; `*` stands for anything."""
    hardware_addr: str = ""
    """Hardware address in use."""
    permanent_addr: str = ""
    """Hardware address the device was made with."""
    pci_id: str = document.named("pciID", "")
    """`vendor:product` of PCI."""
    driver: str = ""
    """Kernel driver."""
    physical: bool | None = None
    """Whether it is a device and no virtual link."""


class Route(document.Section, frozen=True, kw_only=True):
    """A route."""

    network: Annotated[str, values.ALWAYS] = ""
    """Destination prefix; empty for the default route."""
    gateway: Annotated[str, values.ALWAYS] = ""
    """Next hop."""
    source: str = ""
    """Address packets leave with."""
    metric: values.U32 = 0
    """Priority; lower wins."""
    mtu: values.U32 = 0
    """Largest packet on this route."""


class Bond(document.Section, frozen=True, kw_only=True):
    """Several links as one; the fields are the options of the kernel's bonding driver."""

    interfaces: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """Links in the bond."""
    device_selectors: tuple[NetworkDeviceSelector, ...] = ()
    """Finds the links by their properties instead."""
    arp_ip_target: tuple[str, ...] = document.named("arpIPTarget", ())
    """Addresses asked by ARP monitoring; not supported."""
    mode: Annotated[str, values.ALWAYS] = ""
    """Bonding mode."""
    xmit_hash_policy: str = ""
    """How a link is chosen for a packet."""
    lacp_rate: str = ""
    """How often LACP packets are sent: slow or fast."""
    ad_actor_system: str = ""
    """System address in LACP; not supported."""
    arp_validate: str = ""
    """Which ARP packets are checked."""
    arp_all_targets: str = ""
    """Whether any or all targets must answer."""
    primary: str = ""
    """Link that is preferred."""
    primary_reselect: str = ""
    """When the preferred link is taken again."""
    fail_over_mac: str = ""
    """Whose hardware address the bond has."""
    ad_select: str = ""
    """How an aggregator is chosen."""
    miimon: values.U32 = 0
    """Milliseconds between looks at the carrier."""
    updelay: values.U32 = 0
    """Milliseconds before a link that came up is used."""
    downdelay: values.U32 = 0
    """Milliseconds before a link that went down is given up."""
    arp_interval: values.U32 = 0
    """Milliseconds between ARP requests."""
    resend_igmp: values.U32 = 0
    """IGMP reports sent after a failover."""
    min_links: values.U32 = 0
    """Links that must be up for the bond to be up."""
    lp_interval: values.U32 = 0
    """Seconds between learning packets."""
    packets_per_slave: values.U32 = 0
    """Packets before the next link is taken in balance-rr."""
    num_peer_notif: values.U8 = 0
    """Notifications sent after a failover."""
    tlb_dynamic_lb: values.U8 = 0
    """Whether flows move between links in balance-tlb."""
    all_slaves_active: values.U8 = 0
    """Whether packets on passive links are delivered."""
    use_carrier: bool | None = None
    """Ask the driver for the carrier instead of by ioctl."""
    ad_actor_sys_prio: values.U16 = 0
    """System priority in LACP."""
    ad_user_port_key: values.U16 = 0
    """Upper bits of the port key in LACP."""
    peer_notify_delay: values.U32 = 0
    """Milliseconds between peer notifications."""


class STP(document.Section, frozen=True, kw_only=True):
    """Spanning tree."""

    enabled: bool | None = None
    """Run it."""


class BridgeVLAN(document.Section, frozen=True, kw_only=True):
    """VLANs on a bridge."""

    vlan_filtering: bool | None = None
    """Forward by VLAN membership."""


class Bridge(document.Section, frozen=True, kw_only=True):
    """A bridge."""

    interfaces: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """Links that are its ports."""
    stp: STP | None = None
    """Spanning tree."""
    vlan: BridgeVLAN | None = None
    """VLANs."""


class BridgePort(document.Section, frozen=True, kw_only=True):
    """Membership in a bridge."""

    master: str = ""
    """The bridge."""


class VIPEquinixMetalConfig(document.Section, frozen=True, kw_only=True):
    """Shared address of Equinix Metal."""

    api_token: Annotated[str, values.SECRET, values.ALWAYS] = ""
    """Token of the cloud's API."""


class VIPHCloudConfig(document.Section, frozen=True, kw_only=True):
    """Shared address of Hetzner Cloud."""

    api_token: Annotated[str, values.SECRET, values.ALWAYS] = ""
    """Token of the cloud's API."""


class DeviceVIPConfig(document.Section, frozen=True, kw_only=True):
    """An address one control plane at a time holds."""

    ip: str = ""
    """The address."""
    equinix_metal: VIPEquinixMetalConfig | None = None
    """Move it through Equinix Metal's API."""
    hcloud: VIPHCloudConfig | None = None
    """Move it through Hetzner Cloud's API."""


class DHCPOptions(document.Section, frozen=True, kw_only=True):
    """DHCP on a link."""

    route_metric: Annotated[values.U32, values.ALWAYS] = 0
    """Metric of the routes learnt."""
    ipv4: bool | None = None
    """Ask for an IPv4 address."""
    ipv6: bool | None = None
    """Ask for an IPv6 address."""
    duidv6: str = ""
    """Identifier to show, in hex."""


class VlanList(document.Section, frozen=True, kw_only=True):
    """A VLAN on a link."""

    addresses: tuple[str, ...] = ()
    """Addresses, with prefix length or without."""
    cidr: str = ""
    """Single address; use `addresses`."""
    routes: Annotated[tuple[Route, ...], values.ALWAYS] = ()
    """Routes."""
    dhcp: bool | None = None
    """Ask DHCP for an address."""
    vlan_id: Annotated[values.U16, values.ALWAYS] = 0
    """Number of the VLAN."""
    mtu: values.U32 = 0
    """Largest packet."""
    vip: DeviceVIPConfig | None = None
    """Shared address."""
    dhcp_options: DHCPOptions | None = None
    """How DHCP is done."""

    def merges_with(self, other: document.Section) -> bool:
        """VLANs have numbers."""
        return isinstance(other, VlanList) and self.vlan_id == other.vlan_id


class DeviceWireguardPeer(document.Section, frozen=True, kw_only=True):
    """The other end of a tunnel."""

    public_key: str = ""
    """Its public key."""
    endpoint: str = ""
    """Where it listens, `host:port`."""
    persistent_keepalive_interval: values.Duration | None = None
    """Time between keep-alive packets."""
    allowed_ips: tuple[str, ...] = document.named("allowedIPs", ())
    """Prefixes sent to and accepted from it."""


class DeviceWireguardConfig(document.Section, frozen=True, kw_only=True):
    """A WireGuard tunnel."""

    private_key: Annotated[str, values.SECRET] = ""
    """Own private key."""
    listen_port: int = 0
    """Port to listen on."""
    firewall_mark: int = 0
    """Mark of outgoing packets."""
    peers: tuple[DeviceWireguardPeer, ...] = ()
    """Other ends."""


class NetworkDeviceList(document.Section, frozen=True, kw_only=True):
    """A link."""

    interface: str = ""
    """Name of the link."""
    device_selector: NetworkDeviceSelector | None = None
    """Finds it by its properties instead."""
    addresses: tuple[str, ...] = ()
    """Addresses, with prefix length or without."""
    cidr: str = ""
    """Single address; use `addresses`."""
    routes: tuple[Route, ...] = ()
    """Routes."""
    bond: Bond | None = None
    """Make it a bond."""
    bridge: Bridge | None = None
    """Make it a bridge."""
    bridge_port: BridgePort | None = None
    """Put it into a bridge."""
    vlans: tuple[VlanList, ...] = ()
    """VLANs on it."""
    mtu: int = 0
    """Largest packet."""
    dhcp: bool | None = None
    """Ask DHCP for an address."""
    ignore: bool | None = None
    """Leave the link alone."""
    dummy: bool | None = None
    """Make it a dummy link."""
    dhcp_options: DHCPOptions | None = None
    """How DHCP is done."""
    wireguard: DeviceWireguardConfig | None = None
    """Make it a WireGuard tunnel."""
    vip: DeviceVIPConfig | None = None
    """Shared address."""

    def merges_with(self, other: document.Section) -> bool:
        """Links have names, or the selector that finds them."""
        if not isinstance(other, NetworkDeviceList):
            return False
        if other.device_selector is not None:
            return self.device_selector == other.device_selector
        return bool(other.interface) and self.interface == other.interface


class ExtraHost(document.Section, frozen=True, kw_only=True):
    """A line of /etc/hosts."""

    ip: Annotated[str, values.ALWAYS] = ""
    """Address."""
    aliases: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """Names."""


class KubeSpanFilters(document.Section, frozen=True, kw_only=True):
    """What is announced to the mesh."""

    endpoints: tuple[str, ...] = ()
    """Prefixes of endpoints to announce; one with `!` in front excludes."""
    exclude_advertised_networks: tuple[str, ...] = ()
    """Prefixes not to announce as reachable here."""


class NetworkKubeSpan(document.Section, frozen=True, kw_only=True):
    """Mesh of WireGuard tunnels between all machines."""

    enabled: bool | None = None
    """Take part."""
    advertise_kubernetes_networks: bool | None = None
    """Announce the pod network too."""
    allow_down_peer_bypass: bool | None = None
    """Send in the clear to a machine whose tunnel is down."""
    harvest_extra_endpoints: bool | None = None
    """Tell others where a peer was seen."""
    mtu: values.U32 | None = None
    """Largest packet in a tunnel."""
    filters: KubeSpanFilters | None = None
    """What is announced."""


class NetworkConfig(document.Section, frozen=True, kw_only=True):
    """Links, addresses and names of a machine."""

    hostname: str = ""
    """Host name."""
    interfaces: tuple[NetworkDeviceList, ...] = ()
    """Links."""
    nameservers: tuple[str, ...] = ()
    """Resolvers."""
    search_domains: tuple[str, ...] = ()
    """Domains tried for short names."""
    extra_host_entries: tuple[ExtraHost, ...] = ()
    """Lines added to /etc/hosts."""
    kubespan: NetworkKubeSpan | None = None
    """Mesh between machines."""
    disable_search_domain: bool | None = None
    """Try no domains, not even the machine's own."""
