"""Enumerations of the network domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class AddressFlag(wire.WireEnum):
    """Flags of an address, IFA_F_* of linux/if_addr.h."""

    UNSPECIFIED = "unspecified", 0
    TEMPORARY = "temporary", 1
    NO_DAD = "nodad", 2
    OPTIMISTIC = "optimistic", 4
    DAD_FAILED = "dadfailed", 8
    HOME = "homeaddress", 16
    DEPRECATED = "deprecated", 32
    TENTATIVE = "tentative", 64
    PERMANENT = "permanent", 128
    MANAGEMENT_TEMP = "mngmtmpaddr", 256
    NO_PREFIX_ROUTE = "noprefixroute", 512
    MC_AUTO_JOIN = "mcautojoin", 1024
    STABLE_PRIVACY = "stableprivacy", 2048


class AddressSortAlgorithm(wire.WireEnum):
    """Order of node addresses: v1 by address, v2 by scope and prefix length."""

    V1 = "v1", 0
    V2 = "v2", 1


class ADLACPActive(wire.WireEnum):
    """Whether a bond sends LACP frames on its own."""

    OFF = "off", 0
    ON = "on", 1


class ADSelect(wire.WireEnum):
    """How an 802.3ad bond chooses its aggregator."""

    STABLE = "stable", 0
    BANDWIDTH = "bandwidth", 1
    COUNT = "count", 2


class ARPAllTargets(wire.WireEnum):
    """How many ARP targets must answer."""

    ANY = "any", 0
    ALL = "all", 1


class ARPValidate(wire.WireEnum):
    """Which members of a bond validate ARP probes."""

    NONE = "none", 0
    ACTIVE = "active", 1
    BACKUP = "backup", 2
    ALL = "all", 3
    FILTER = "filter", 4
    FILTER_ACTIVE = "filter-active", 5
    FILTER_BACKUP = "filter-backup", 6


class AutoHostnameKind(wire.WireEnum):
    """How a machine without a configured name gets one."""

    OFF = "off", 0
    ADDR = "talos-addr", 1
    STABLE = "stable", 2


class BGPSessionState(wire.WireEnum):
    """State of a BGP session (RFC 4271, 8.2.2)."""

    UNKNOWN = "UNKNOWN", 0
    IDLE = "IDLE", 1
    CONNECT = "CONNECT", 2
    ACTIVE = "ACTIVE", 3
    OPEN_SENT = "OPEN_SENT", 4
    OPEN_CONFIRM = "OPEN_CONFIRM", 5
    ESTABLISHED = "ESTABLISHED", 6


class BondMode(wire.WireEnum):
    """Mode of a bond."""

    ROUNDROBIN = "balance-rr", 0
    ACTIVE_BACKUP = "active-backup", 1
    XOR = "balance-xor", 2
    BROADCAST = "broadcast", 3
    LACP = "802.3ad", 4
    TLB = "balance-tlb", 5
    ALB = "balance-alb", 6


class BondXmitHashPolicy(wire.WireEnum):
    """What a bond hashes to choose a member."""

    LAYER2 = "layer2", 0
    LAYER34 = "layer3+4", 1
    LAYER23 = "layer2+3", 2
    ENCAP23 = "encap2+3", 3
    ENCAP34 = "encap3+4", 4


class ClientIdentifier(wire.WireEnum):
    """What a DHCP client identifies itself with."""

    NONE = "none", 0
    MAC = "mac", 1
    DUID = "duid", 2


class ConntrackState(wire.WireEnum):
    """State of a tracked connection, a bit set of nftables."""

    UNSPECIFIED = "unspecified", 0
    NEW = "new", 8
    RELATED = "related", 4
    ESTABLISHED = "established", 2
    INVALID = "invalid", 1


class DNSProtocol(wire.WireEnum):
    """How DNS is spoken: plain, over TLS, over HTTPS."""

    DEFAULT = "Do53", 0
    DNS_OVER_TLS = "DoT", 1
    DNS_OVER_HTTP = "DoH", 2


class Duplex(wire.WireEnum):
    """Duplex mode, as ethtool numbers it."""

    HALF = "Half", 0
    FULL = "Full", 1
    UNKNOWN = "Unknown", 255


class FailOverMAC(wire.WireEnum):
    """What happens to hardware addresses when a bond fails over."""

    NONE = "none", 0
    ACTIVE = "active", 1
    FOLLOW = "follow", 2


class Family(wire.WireEnum):
    """Address family, AF_* of the kernel."""

    UNSPECIFIED = "unspecified", 0
    INET4 = "inet4", 2
    INET6 = "inet6", 10


class ICMPType(wire.WireEnum):
    """ICMP types the packet filter names."""

    UNSPECIFIED = "unspecified", 0
    TIMESTAMP_REQUEST = "timestamp-request", 13
    TIMESTAMP_REPLY = "timestamp-reply", 14
    ADDRESS_MASK_REQUEST = "address-mask-request", 17
    ADDRESS_MASK_REPLY = "address-mask-reply", 18


class LACPRate(wire.WireEnum):
    """How often LACP frames are asked for."""

    SLOW = "slow", 0
    FAST = "fast", 1


class LinkType(wire.WireEnum):
    """Hardware type of a link, ARPHRD_* of linux/if_arp.h; texts as iproute2 prints them."""

    NETROM = "netrom", 0
    ETHER = "ether", 1
    EETHER = "eether", 2
    AX25 = "ax25", 3
    PRONET = "pronet", 4
    CHAOS = "chaos", 5
    IEE802 = "ieee802", 6
    ARCNET = "arcnet", 7
    ATALK = "atalk", 8
    DLCI = "dlci", 15
    ATM = "atm", 19
    METRICOM = "metricom", 23
    IEEE1394 = "ieee1394", 24
    EUI64 = "eui64", 27
    INFINIBAND = "infiniband", 32
    SLIP = "slip", 256
    CSLIP = "cslip", 257
    SLIP6 = "slip6", 258
    CSLIP6 = "cslip6", 259
    RSRVD = "rsrvd", 260
    ADAPT = "adapt", 264
    ROSE = "rose", 270
    X25 = "x25", 271
    HWX25 = "hwx25", 272
    CAN = "can", 280
    PPP = "ppp", 512
    CISCO = "cisco", 513
    HDLC = CISCO
    LAPB = "lapb", 516
    DDCMP = "ddcmp", 517
    RAWHDLC = "rawhdlc", 518
    TUNNEL = "ipip", 768
    TUNNEL6 = "tunnel6", 769
    FRAD = "frad", 770
    SKIP = "skip", 771
    LOOPBCK = "loopback", 772
    LOCALTLK = "localtlk", 773
    FDDI = "fddi", 774
    BIF = "bif", 775
    SIT = "sit", 776
    IPDDP = "ip/ddp", 777
    IPGRE = "gre", 778
    PIMREG = "pimreg", 779
    HIPPI = "hippi", 780
    ASH = "ash", 781
    ECONET = "econet", 782
    IRDA = "irda", 783
    FCPP = "fcpp", 784
    FCAL = "fcal", 785
    FCPL = "fcpl", 786
    FCFABRIC = "fcfb_0", 787
    FCFABRIC1 = "fcfb_1", 788
    FCFABRIC2 = "fcfb_2", 789
    FCFABRIC3 = "fcfb_3", 790
    FCFABRIC4 = "fcfb_4", 791
    FCFABRIC5 = "fcfb_5", 792
    FCFABRIC6 = "fcfb_6", 793
    FCFABRIC7 = "fcfb_7", 794
    FCFABRIC8 = "fcfb_8", 795
    FCFABRIC9 = "fcfb_9", 796
    FCFABRIC10 = "fcfb_10", 797
    FCFABRIC11 = "fcfb_11", 798
    FCFABRIC12 = "fcfb_12", 799
    IEE802TR = "tr", 800
    IEE80211 = "ieee802.11", 801
    IEE80211PRISM = "ieee802.11_prism", 802
    IEE80211_RADIOTAP = "ieee802.11_radiotap", 803
    IEE8021154 = "ieee802.15.4", 804
    IEE8021154MONITOR = "ieee802.15.4_monitor", 805
    PHONET = "phonet", 820
    PHONETPIPE = "phonet_pipe", 821
    CAIF = "caif", 822
    IP6GRE = "ip6gre", 823
    NETLINK = "netlink", 824
    LINK6_LOWPAN = "6lowpan", 825
    VOID = "void", 65535
    NONE = "nohdr", 65534


class MatchOperator(wire.WireEnum):
    """Comparison of the packet filter."""

    EQUAL = "==", 0
    NOT_EQUAL = "!=", 1


class NfTablesChainHook(wire.WireEnum):
    """Where a packet filter chain hooks in."""

    PREROUTING = "prerouting", 0
    INPUT = "input", 1
    FORWARD = "forward", 2
    OUTPUT = "output", 3
    POSTROUTING = "postrouting", 4


class NfTablesChainPriority(wire.WireEnum):
    """Order of chains on a hook."""

    FIRST = "first", -2147483648
    CONNTRACK_DEFRAG = "conntrack-defrag", -400
    RAW = "raw", -300
    SE_LINUX_FIRST = "selinux-first", -225
    CONNTRACK = "conntrack", -200
    MANGLE = "mangle", -150
    NAT_DEST = "nat-dest", -100
    FILTER = "filter", 0
    SECURITY = "security", 50
    NAT_SOURCE = "nat-source", 100
    SE_LINUX_LAST = "selinux-last", 225
    CONNTRACK_HELPER = "conntrack-helper", 300
    LAST = "last", 2147483647


class NfTablesVerdict(wire.WireEnum):
    """What a packet filter rule decides."""

    DROP = "drop", 0
    ACCEPT = "accept", 1


class OperationalState(wire.WireEnum):
    """State of a link, IF_OPER_* of RFC 2863."""

    UNKNOWN = "unknown", 0
    NOT_PRESENT = "notPresent", 1
    DOWN = "down", 2
    LOWER_LAYER_DOWN = "lowerLayerDown", 3
    TESTING = "testing", 4
    DORMANT = "dormant", 5
    UP = "up", 6


class Port(wire.WireEnum):
    """Connector of a link, as ethtool numbers it."""

    TWISTED_PAIR = "TwistedPair", 0
    AUI = "AUI", 1
    MII = "MII", 2
    FIBRE = "Fibre", 3
    BNC = "BNC", 4
    DIRECT_ATTACH = "DirectAttach", 5
    NONE = "None", 239
    OTHER = "Other", 255


class PrimaryReselect(wire.WireEnum):
    """When the primary member of a bond takes over again."""

    ALWAYS = "always", 0
    BETTER = "better", 1
    FAILURE = "failure", 2


class Protocol(wire.WireEnum):
    """IP protocol number."""

    UNSPECIFIED = "unspecified", 0
    ICMP = "icmp", 1
    TCP = "tcp", 6
    UDP = "udp", 17
    ICM_PV6 = "icmpv6", 58


class RouteFlag(wire.WireEnum):
    """Flags of a route, RTM_F_* of linux/rtnetlink.h."""

    UNSPECIFIED = "unspecified", 0
    NOTIFY = "notify", 256
    CLONED = "cloned", 512
    EQUALIZE = "equalize", 1024
    PREFIX = "prefix", 2048
    LOOKUP_TABLE = "lookup_table", 4096
    FIB_MATCH = "fib_match", 8192
    OFFLOAD = "offload", 16384
    TRAP = "trap", 32768


class RouteProtocol(wire.WireEnum):
    """Who made a route, RTPROT_* of linux/rtnetlink.h."""

    UNSPEC = "unspec", 0
    REDIRECT = "redirect", 1
    KERNEL = "kernel", 2
    BOOT = "boot", 3
    STATIC = "static", 4
    RA = "ra", 9
    MRT = "mrt", 10
    ZEBRA = "zebra", 11
    BIRD = "bird", 12
    DNROUTED = "dnrouted", 13
    XORP = "xorp", 14
    NTK = "ntk", 15
    DHCP = "dhcp", 16
    MRTD = "mrtd", 17
    KEEPALIVED = "keepalived", 18
    BABEL = "babel", 42
    OPENR = "openr", 99
    BGP = "bgp", 186
    ISIS = "isis", 187
    OSPF = "ospf", 188
    RIP = "rip", 189
    EIGRP = "eigrp", 192


class RouteType(wire.WireEnum):
    """What a route does with packets, RTN_* of linux/rtnetlink.h."""

    UNSPEC = "unspec", 0
    UNICAST = "unicast", 1
    LOCAL = "local", 2
    BROADCAST = "broadcast", 3
    ANYCAST = "anycast", 4
    MULTICAST = "multicast", 5
    BLACKHOLE = "blackhole", 6
    UNREACHABLE = "unreachable", 7
    PROHIBIT = "prohibit", 8
    THROW = "throw", 9
    NAT = "nat", 10
    X_RESOLVE = "xresolve", 11


class RoutingRuleAction(wire.WireEnum):
    """What a routing policy rule does, FR_ACT_* of linux/fib_rules.h."""

    UNSPEC = "unspec", 0
    UNICAST = "unicast", 1
    BLACKHOLE = "blackhole", 6
    UNREACHABLE = "unreachable", 7
    PROHIBIT = "prohibit", 8


class RoutingTable(wire.WireEnum):
    """Routing table: the kernel's own have names, others are their number."""

    UNSPEC = "unspec", 0
    DEFAULT = "default", 253
    MAIN = "main", 254
    LOCAL = "local", 255

    @classmethod
    def _missing_(cls, value: object) -> RoutingTable | None:
        if isinstance(value, str) and value.isdecimal():
            return cls.from_number(int(value))
        return None

    @classmethod
    def from_number(cls, number: int) -> RoutingTable:
        """Return the table with this number. Raises ValueError for what is no 32 bit number."""
        if not 0 <= number < 1 << 32:
            raise ValueError(f"{number} is no routing table")
        return cls._by_number().get(number) or cls._beside(str(number), number)


class Scope(wire.WireEnum):
    """Distance of an address or route, RT_SCOPE_* of linux/rtnetlink.h."""

    GLOBAL = "global", 0
    SITE = "site", 200
    LINK = "link", 253
    HOST = "host", 254
    NOWHERE = "nowhere", 255


class VLANProtocol(wire.WireEnum):
    """Protocol of a VLAN, by EtherType."""

    UNSPECIFIED = "unspecified", 0
    DOT1Q = "802.1q", 33024
    DOT1AD = "802.1ad", 34984


class WOLMode(wire.WireEnum):
    """What wakes a machine, a bit set of ethtool."""

    UNSPECIFIED = "unspecified", 0
    PHY = "phy", 1
    UNICAST = "unicast", 2
    MULTICAST = "multicast", 4
    BROADCAST = "broadcast", 8
    MAGIC = "magic", 32
    MAGIC_SECURE = "magicsecure", 64
    FILTER = "filter", 128


class ConfigLayer(wire.WireEnum):
    """Source of a network setting; higher numbers win."""

    DEFAULT = "default", 0
    CMDLINE = "cmdline", 1
    PLATFORM = "platform", 2
    OPERATOR = "operator", 3
    MACHINE_CONFIGURATION = "configuration", 4


class Operator(wire.WireEnum):
    """Kind of process that configures a link."""

    DHCP4 = "dhcp4", 0
    DHCP6 = "dhcp6", 1
    VIP = "vip", 2
