"""Enumerations of the network domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class AddressFlag(wire.WireEnum):
    """Address flag, talos.resource.definitions.enums.NethelpersAddressFlag."""

    UNSPECIFIED = "unspecified", 0
    TEMPORARY = "temporary", 1
    NO_DAD = "no-dad", 2
    OPTIMISTIC = "optimistic", 4
    DAD_FAILED = "dad-failed", 8
    HOME = "home", 16
    DEPRECATED = "deprecated", 32
    TENTATIVE = "tentative", 64
    PERMANENT = "permanent", 128
    MANAGEMENT_TEMP = "management-temp", 256
    NO_PREFIX_ROUTE = "no-prefix-route", 512
    MC_AUTO_JOIN = "mc-auto-join", 1024
    STABLE_PRIVACY = "stable-privacy", 2048


class AddressSortAlgorithm(wire.WireEnum):
    """Address sort algorithm, talos.resource.definitions.enums.NethelpersAddressSortAlgorithm."""

    V1 = "v1", 0
    V2 = "v2", 1


class ADLACPActive(wire.WireEnum):
    """ADLACPActive, talos.resource.definitions.enums.NethelpersADLACPActive."""

    OFF = "off", 0
    ON = "on", 1


class ADSelect(wire.WireEnum):
    """ADSelect, talos.resource.definitions.enums.NethelpersADSelect."""

    STABLE = "stable", 0
    BANDWIDTH = "bandwidth", 1
    COUNT = "count", 2


class ARPAllTargets(wire.WireEnum):
    """ARPAll targets, talos.resource.definitions.enums.NethelpersARPAllTargets."""

    ANY = "any", 0
    ALL = "all", 1


class ARPValidate(wire.WireEnum):
    """ARPValidate, talos.resource.definitions.enums.NethelpersARPValidate."""

    NONE = "none", 0
    ACTIVE = "active", 1
    BACKUP = "backup", 2
    ALL = "all", 3
    FILTER = "filter", 4
    FILTER_ACTIVE = "filter-active", 5
    FILTER_BACKUP = "filter-backup", 6


class AutoHostnameKind(wire.WireEnum):
    """Auto hostname kind, talos.resource.definitions.enums.NethelpersAutoHostnameKind."""

    OFF = "off", 0
    ADDR = "addr", 1
    STABLE = "stable", 2


class BGPSessionState(wire.WireEnum):
    """BGPSession state, talos.resource.definitions.enums.NethelpersBGPSessionState."""

    UNKNOWN = "unknown", 0
    IDLE = "idle", 1
    CONNECT = "connect", 2
    ACTIVE = "active", 3
    OPEN_SENT = "open-sent", 4
    OPEN_CONFIRM = "open-confirm", 5
    ESTABLISHED = "established", 6


class BondMode(wire.WireEnum):
    """Bond mode, talos.resource.definitions.enums.NethelpersBondMode."""

    ROUNDROBIN = "balance-rr", 0
    ACTIVE_BACKUP = "-active-backup", 1
    XOR = "balance-xor", 2
    BROADCAST = "-broadcast", 3
    LACP = "802.3ad", 4
    TLB = "balance-tlb", 5
    ALB = "balance-alb", 6


class BondXmitHashPolicy(wire.WireEnum):
    """Bond xmit hash policy, talos.resource.definitions.enums.NethelpersBondXmitHashPolicy."""

    LAYER2 = "layer2", 0
    LAYER34 = "layer3+4", 1
    LAYER23 = "layer2+3", 2
    ENCAP23 = "encap2+3", 3
    ENCAP34 = "encap3+4", 4


class ClientIdentifier(wire.WireEnum):
    """Client identifier, talos.resource.definitions.enums.NethelpersClientIdentifier."""

    NONE = "none", 0
    MAC = "mac", 1
    DUID = "duid", 2


class ConntrackState(wire.WireEnum):
    """Conntrack state, talos.resource.definitions.enums.NethelpersConntrackState."""

    UNSPECIFIED = "unspecified", 0
    NEW = "new", 8
    RELATED = "related", 4
    ESTABLISHED = "established", 2
    INVALID = "invalid", 1


class DNSProtocol(wire.WireEnum):
    """DNSProtocol, talos.resource.definitions.enums.NethelpersDNSProtocol."""

    DEFAULT = "Do53", 0
    DNS_OVER_TLS = "DoT", 1
    DNS_OVER_HTTP = "DoH", 2


class Duplex(wire.WireEnum):
    """Duplex, talos.resource.definitions.enums.NethelpersDuplex."""

    HALF = "Half", 0
    FULL = "Full", 1
    UNKNOWN = "Unknown", 255


class FailOverMAC(wire.WireEnum):
    """Fail over mAC, talos.resource.definitions.enums.NethelpersFailOverMAC."""

    NONE = "none", 0
    ACTIVE = "active", 1
    FOLLOW = "follow", 2


class Family(wire.WireEnum):
    """Family, talos.resource.definitions.enums.NethelpersFamily."""

    UNSPECIFIED = "unspecified", 0
    INET4 = "inet4", 2
    INET6 = "inet6", 10


class ICMPType(wire.WireEnum):
    """ICMPType, talos.resource.definitions.enums.NethelpersICMPType."""

    UNSPECIFIED = "unspecified", 0
    TIMESTAMP_REQUEST = "timestamp-request", 13
    TIMESTAMP_REPLY = "timestamp-reply", 14
    ADDRESS_MASK_REQUEST = "address-mask-request", 17
    ADDRESS_MASK_REPLY = "address-mask-reply", 18


class LACPRate(wire.WireEnum):
    """LACPRate, talos.resource.definitions.enums.NethelpersLACPRate."""

    SLOW = "slow", 0
    FAST = "fast", 1


class LinkType(wire.WireEnum):
    """Link type, talos.resource.definitions.enums.NethelpersLinkType."""

    NETROM = "netrom", 0
    ETHER = "ether", 1
    EETHER = "eether", 2
    AX25 = "ax25", 3
    PRONET = "pronet", 4
    CHAOS = "chaos", 5
    IEE802 = "iee802", 6
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
    HDLC = "hdlc", 513
    LAPB = "lapb", 516
    DDCMP = "ddcmp", 517
    RAWHDLC = "rawhdlc", 518
    TUNNEL = "tunnel", 768
    TUNNEL6 = "tunnel6", 769
    FRAD = "frad", 770
    SKIP = "skip", 771
    LOOPBCK = "loopbck", 772
    LOCALTLK = "localtlk", 773
    FDDI = "fddi", 774
    BIF = "bif", 775
    SIT = "sit", 776
    IPDDP = "ipddp", 777
    IPGRE = "ipgre", 778
    PIMREG = "pimreg", 779
    HIPPI = "hippi", 780
    ASH = "ash", 781
    ECONET = "econet", 782
    IRDA = "irda", 783
    FCPP = "fcpp", 784
    FCAL = "fcal", 785
    FCPL = "fcpl", 786
    FCFABRIC = "fcfabric", 787
    FCFABRIC1 = "fcfabric1", 788
    FCFABRIC2 = "fcfabric2", 789
    FCFABRIC3 = "fcfabric3", 790
    FCFABRIC4 = "fcfabric4", 791
    FCFABRIC5 = "fcfabric5", 792
    FCFABRIC6 = "fcfabric6", 793
    FCFABRIC7 = "fcfabric7", 794
    FCFABRIC8 = "fcfabric8", 795
    FCFABRIC9 = "fcfabric9", 796
    FCFABRIC10 = "fcfabric10", 797
    FCFABRIC11 = "fcfabric11", 798
    FCFABRIC12 = "fcfabric12", 799
    IEE802TR = "iee802tr", 800
    IEE80211 = "iee80211", 801
    IEE80211PRISM = "iee80211prism", 802
    IEE80211_RADIOTAP = "iee80211-radiotap", 803
    IEE8021154 = "iee8021154", 804
    IEE8021154MONITOR = "iee8021154monitor", 805
    PHONET = "phonet", 820
    PHONETPIPE = "phonetpipe", 821
    CAIF = "caif", 822
    IP6GRE = "ip6gre", 823
    NETLINK = "netlink", 824
    LINK6_LOWPAN = "link6-lowpan", 825
    VOID = "void", 65535
    NONE = "none", 65534


class MatchOperator(wire.WireEnum):
    """Match operator, talos.resource.definitions.enums.NethelpersMatchOperator."""

    EQUAL = "==", 0
    NOT_EQUAL = "!=", 1


class NfTablesChainHook(wire.WireEnum):
    """Nf tables chain hook, talos.resource.definitions.enums.NethelpersNfTablesChainHook."""

    PREROUTING = "prerouting", 0
    INPUT = "input", 1
    FORWARD = "forward", 2
    OUTPUT = "output", 3
    POSTROUTING = "postrouting", 4


class NfTablesChainPriority(wire.WireEnum):
    """Nf tables chain priority, talos.resource.definitions.enums.NethelpersNfTablesChainPriority."""

    FIRST = "first", -2147483648
    CONNTRACK_DEFRAG = "conntrack-defrag", -400
    RAW = "raw", -300
    SE_LINUX_FIRST = "se-linux-first", -225
    CONNTRACK = "conntrack", -200
    MANGLE = "mangle", -150
    NAT_DEST = "nat-dest", -100
    FILTER = "filter", 0
    SECURITY = "security", 50
    NAT_SOURCE = "nat-source", 100
    SE_LINUX_LAST = "se-linux-last", 225
    CONNTRACK_HELPER = "conntrack-helper", 300
    LAST = "last", 2147483647


class NfTablesVerdict(wire.WireEnum):
    """Nf tables verdict, talos.resource.definitions.enums.NethelpersNfTablesVerdict."""

    DROP = "drop", 0
    ACCEPT = "accept", 1


class OperationalState(wire.WireEnum):
    """Operational state, talos.resource.definitions.enums.NethelpersOperationalState."""

    UNKNOWN = "unknown", 0
    NOT_PRESENT = "notPresent", 1
    DOWN = "down", 2
    LOWER_LAYER_DOWN = "lowerLayerDown", 3
    TESTING = "testing", 4
    DORMANT = "dormant", 5
    UP = "up", 6


class Port(wire.WireEnum):
    """Port, talos.resource.definitions.enums.NethelpersPort."""

    TWISTED_PAIR = "Twisted Pair", 0
    AUI = "AUI", 1
    MII = "MII", 2
    FIBRE = "Fibre", 3
    BNC = "BNC", 4
    DIRECT_ATTACH = "Direct Attach", 5
    NONE = "None", 239
    OTHER = "Other", 255


class PrimaryReselect(wire.WireEnum):
    """Primary reselect, talos.resource.definitions.enums.NethelpersPrimaryReselect."""

    ALWAYS = "always", 0
    BETTER = "better", 1
    FAILURE = "failure", 2


class Protocol(wire.WireEnum):
    """Protocol, talos.resource.definitions.enums.NethelpersProtocol."""

    UNSPECIFIED = "unspecified", 0
    ICMP = "icmp", 1
    TCP = "tcp", 6
    UDP = "udp", 17
    ICM_PV6 = "icmpv6", 58


class RouteFlag(wire.WireEnum):
    """Route flag, talos.resource.definitions.enums.NethelpersRouteFlag."""

    UNSPECIFIED = "unspecified", 0
    NOTIFY = "notify", 256
    CLONED = "cloned", 512
    EQUALIZE = "equalize", 1024
    PREFIX = "prefix", 2048
    LOOKUP_TABLE = "lookup-table", 4096
    FIB_MATCH = "fib-match", 8192
    OFFLOAD = "offload", 16384
    TRAP = "trap", 32768


class RouteProtocol(wire.WireEnum):
    """Route protocol, talos.resource.definitions.enums.NethelpersRouteProtocol."""

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
    """Route type, talos.resource.definitions.enums.NethelpersRouteType."""

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
    X_RESOLVE = "x-resolve", 11


class RoutingRuleAction(wire.WireEnum):
    """Routing rule action, talos.resource.definitions.enums.NethelpersRoutingRuleAction."""

    UNSPEC = "unspec", 0
    UNICAST = "unicast", 1
    BLACKHOLE = "blackhole", 6
    UNREACHABLE = "unreachable", 7
    PROHIBIT = "prohibit", 8


class RoutingTable(wire.WireEnum):
    """Routing table, talos.resource.definitions.enums.NethelpersRoutingTable."""

    UNSPEC = "unspec", 0
    TABLE_1 = "1", 1
    TABLE_2 = "2", 2
    TABLE_3 = "3", 3
    TABLE_4 = "4", 4
    TABLE_5 = "5", 5
    TABLE_6 = "6", 6
    TABLE_7 = "7", 7
    TABLE_8 = "8", 8
    TABLE_9 = "9", 9
    TABLE_10 = "10", 10
    TABLE_11 = "11", 11
    TABLE_12 = "12", 12
    TABLE_13 = "13", 13
    TABLE_14 = "14", 14
    TABLE_15 = "15", 15
    TABLE_16 = "16", 16
    TABLE_17 = "17", 17
    TABLE_18 = "18", 18
    TABLE_19 = "19", 19
    TABLE_20 = "20", 20
    TABLE_21 = "21", 21
    TABLE_22 = "22", 22
    TABLE_23 = "23", 23
    TABLE_24 = "24", 24
    TABLE_25 = "25", 25
    TABLE_26 = "26", 26
    TABLE_27 = "27", 27
    TABLE_28 = "28", 28
    TABLE_29 = "29", 29
    TABLE_30 = "30", 30
    TABLE_31 = "31", 31
    TABLE_32 = "32", 32
    TABLE_33 = "33", 33
    TABLE_34 = "34", 34
    TABLE_35 = "35", 35
    TABLE_36 = "36", 36
    TABLE_37 = "37", 37
    TABLE_38 = "38", 38
    TABLE_39 = "39", 39
    TABLE_40 = "40", 40
    TABLE_41 = "41", 41
    TABLE_42 = "42", 42
    TABLE_43 = "43", 43
    TABLE_44 = "44", 44
    TABLE_45 = "45", 45
    TABLE_46 = "46", 46
    TABLE_47 = "47", 47
    TABLE_48 = "48", 48
    TABLE_49 = "49", 49
    TABLE_50 = "50", 50
    TABLE_51 = "51", 51
    TABLE_52 = "52", 52
    TABLE_53 = "53", 53
    TABLE_54 = "54", 54
    TABLE_55 = "55", 55
    TABLE_56 = "56", 56
    TABLE_57 = "57", 57
    TABLE_58 = "58", 58
    TABLE_59 = "59", 59
    TABLE_60 = "60", 60
    TABLE_61 = "61", 61
    TABLE_62 = "62", 62
    TABLE_63 = "63", 63
    TABLE_64 = "64", 64
    TABLE_65 = "65", 65
    TABLE_66 = "66", 66
    TABLE_67 = "67", 67
    TABLE_68 = "68", 68
    TABLE_69 = "69", 69
    TABLE_70 = "70", 70
    TABLE_71 = "71", 71
    TABLE_72 = "72", 72
    TABLE_73 = "73", 73
    TABLE_74 = "74", 74
    TABLE_75 = "75", 75
    TABLE_76 = "76", 76
    TABLE_77 = "77", 77
    TABLE_78 = "78", 78
    TABLE_79 = "79", 79
    TABLE_80 = "80", 80
    TABLE_81 = "81", 81
    TABLE_82 = "82", 82
    TABLE_83 = "83", 83
    TABLE_84 = "84", 84
    TABLE_85 = "85", 85
    TABLE_86 = "86", 86
    TABLE_87 = "87", 87
    TABLE_88 = "88", 88
    TABLE_89 = "89", 89
    TABLE_90 = "90", 90
    TABLE_91 = "91", 91
    TABLE_92 = "92", 92
    TABLE_93 = "93", 93
    TABLE_94 = "94", 94
    TABLE_95 = "95", 95
    TABLE_96 = "96", 96
    TABLE_97 = "97", 97
    TABLE_98 = "98", 98
    TABLE_99 = "99", 99
    TABLE_100 = "100", 100
    TABLE_101 = "101", 101
    TABLE_102 = "102", 102
    TABLE_103 = "103", 103
    TABLE_104 = "104", 104
    TABLE_105 = "105", 105
    TABLE_106 = "106", 106
    TABLE_107 = "107", 107
    TABLE_108 = "108", 108
    TABLE_109 = "109", 109
    TABLE_110 = "110", 110
    TABLE_111 = "111", 111
    TABLE_112 = "112", 112
    TABLE_113 = "113", 113
    TABLE_114 = "114", 114
    TABLE_115 = "115", 115
    TABLE_116 = "116", 116
    TABLE_117 = "117", 117
    TABLE_118 = "118", 118
    TABLE_119 = "119", 119
    TABLE_120 = "120", 120
    TABLE_121 = "121", 121
    TABLE_122 = "122", 122
    TABLE_123 = "123", 123
    TABLE_124 = "124", 124
    TABLE_125 = "125", 125
    TABLE_126 = "126", 126
    TABLE_127 = "127", 127
    TABLE_128 = "128", 128
    TABLE_129 = "129", 129
    TABLE_130 = "130", 130
    TABLE_131 = "131", 131
    TABLE_132 = "132", 132
    TABLE_133 = "133", 133
    TABLE_134 = "134", 134
    TABLE_135 = "135", 135
    TABLE_136 = "136", 136
    TABLE_137 = "137", 137
    TABLE_138 = "138", 138
    TABLE_139 = "139", 139
    TABLE_140 = "140", 140
    TABLE_141 = "141", 141
    TABLE_142 = "142", 142
    TABLE_143 = "143", 143
    TABLE_144 = "144", 144
    TABLE_145 = "145", 145
    TABLE_146 = "146", 146
    TABLE_147 = "147", 147
    TABLE_148 = "148", 148
    TABLE_149 = "149", 149
    TABLE_150 = "150", 150
    TABLE_151 = "151", 151
    TABLE_152 = "152", 152
    TABLE_153 = "153", 153
    TABLE_154 = "154", 154
    TABLE_155 = "155", 155
    TABLE_156 = "156", 156
    TABLE_157 = "157", 157
    TABLE_158 = "158", 158
    TABLE_159 = "159", 159
    TABLE_160 = "160", 160
    TABLE_161 = "161", 161
    TABLE_162 = "162", 162
    TABLE_163 = "163", 163
    TABLE_164 = "164", 164
    TABLE_165 = "165", 165
    TABLE_166 = "166", 166
    TABLE_167 = "167", 167
    TABLE_168 = "168", 168
    TABLE_169 = "169", 169
    TABLE_170 = "170", 170
    TABLE_171 = "171", 171
    TABLE_172 = "172", 172
    TABLE_173 = "173", 173
    TABLE_174 = "174", 174
    TABLE_175 = "175", 175
    TABLE_176 = "176", 176
    TABLE_177 = "177", 177
    TABLE_178 = "178", 178
    TABLE_179 = "179", 179
    TABLE_180 = "180", 180
    TABLE_181 = "181", 181
    TABLE_182 = "182", 182
    TABLE_183 = "183", 183
    TABLE_184 = "184", 184
    TABLE_185 = "185", 185
    TABLE_186 = "186", 186
    TABLE_187 = "187", 187
    TABLE_188 = "188", 188
    TABLE_189 = "189", 189
    TABLE_190 = "190", 190
    TABLE_191 = "191", 191
    TABLE_192 = "192", 192
    TABLE_193 = "193", 193
    TABLE_194 = "194", 194
    TABLE_195 = "195", 195
    TABLE_196 = "196", 196
    TABLE_197 = "197", 197
    TABLE_198 = "198", 198
    TABLE_199 = "199", 199
    TABLE_200 = "200", 200
    TABLE_201 = "201", 201
    TABLE_202 = "202", 202
    TABLE_203 = "203", 203
    TABLE_204 = "204", 204
    TABLE_205 = "205", 205
    TABLE_206 = "206", 206
    TABLE_207 = "207", 207
    TABLE_208 = "208", 208
    TABLE_209 = "209", 209
    TABLE_210 = "210", 210
    TABLE_211 = "211", 211
    TABLE_212 = "212", 212
    TABLE_213 = "213", 213
    TABLE_214 = "214", 214
    TABLE_215 = "215", 215
    TABLE_216 = "216", 216
    TABLE_217 = "217", 217
    TABLE_218 = "218", 218
    TABLE_219 = "219", 219
    TABLE_220 = "220", 220
    TABLE_221 = "221", 221
    TABLE_222 = "222", 222
    TABLE_223 = "223", 223
    TABLE_224 = "224", 224
    TABLE_225 = "225", 225
    TABLE_226 = "226", 226
    TABLE_227 = "227", 227
    TABLE_228 = "228", 228
    TABLE_229 = "229", 229
    TABLE_230 = "230", 230
    TABLE_231 = "231", 231
    TABLE_232 = "232", 232
    TABLE_233 = "233", 233
    TABLE_234 = "234", 234
    TABLE_235 = "235", 235
    TABLE_236 = "236", 236
    TABLE_237 = "237", 237
    TABLE_238 = "238", 238
    TABLE_239 = "239", 239
    TABLE_240 = "240", 240
    TABLE_241 = "241", 241
    TABLE_242 = "242", 242
    TABLE_243 = "243", 243
    TABLE_244 = "244", 244
    TABLE_245 = "245", 245
    TABLE_246 = "246", 246
    TABLE_247 = "247", 247
    TABLE_248 = "248", 248
    TABLE_249 = "249", 249
    TABLE_250 = "250", 250
    TABLE_251 = "251", 251
    TABLE_252 = "252", 252
    DEFAULT = "default", 253
    MAIN = "main", 254
    LOCAL = "local", 255


class Scope(wire.WireEnum):
    """Scope, talos.resource.definitions.enums.NethelpersScope."""

    GLOBAL = "global", 0
    SITE = "site", 200
    LINK = "link", 253
    HOST = "host", 254
    NOWHERE = "nowhere", 255


class VLANProtocol(wire.WireEnum):
    """VLANProtocol, talos.resource.definitions.enums.NethelpersVLANProtocol."""

    UNSPECIFIED = "unspecified", 0
    DOT1Q = "802.1q", 33024
    DOT1AD = "802.1ad", 34984


class WOLMode(wire.WireEnum):
    """WOLMode, talos.resource.definitions.enums.NethelpersWOLMode."""

    UNSPECIFIED = "unspecified", 0
    PHY = "phy", 1
    UNICAST = "unicast", 2
    MULTICAST = "multicast", 4
    BROADCAST = "broadcast", 8
    MAGIC = "magic", 32
    MAGIC_SECURE = "magic-secure", 64
    FILTER = "filter", 128


class ConfigLayer(wire.WireEnum):
    """Config layer, talos.resource.definitions.enums.NetworkConfigLayer."""

    DEFAULT = "default", 0
    CMDLINE = "cmdline", 1
    PLATFORM = "platform", 2
    OPERATOR = "operator", 3
    MACHINE_CONFIGURATION = "configuration", 4


class Operator(wire.WireEnum):
    """Operator, talos.resource.definitions.enums.NetworkOperator."""

    DHCP4 = "dhcp4", 0
    DHCP6 = "dhcp6", 1
    VIP = "vip", 2
