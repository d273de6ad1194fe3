"""The kernel's network configuration over rtnetlink: own codec, a client, a monitor.

    with netlink.Route() as rt:                      # or Route(namespace_fd), Route("/proc/<pid>/ns/net")
        rt.link_add_bridge("br0", up=True)
        rt.link_add_veth("a", "eth0", peer_settings={"netns_fd": fd}, master="br0", up=True)
        rt.address_add("br0", "10.5.0.1/24")
        rt.route_replace(netlink.route.Route(gateway=ip, index=rt.index("br0")))

`codec` and the value modules (`link`, `address`, `route`, `neighbour`) are pure; `connection` holds the socket.
"""

from talos.linux.netlink import address, codec, connection, ethtool, kinds, link, monitor, neighbour, route
from talos.linux.netlink.client import LinkId, Route
from talos.linux.netlink.codec import NetlinkError
from talos.linux.netlink.connection import Namespace, inside
from talos.linux.netlink.monitor import Event, Monitor, Overrun

__all__ = [
    "Event",
    "LinkId",
    "Monitor",
    "Namespace",
    "NetlinkError",
    "Overrun",
    "Route",
    "address",
    "codec",
    "connection",
    "ethtool",
    "inside",
    "kinds",
    "link",
    "monitor",
    "neighbour",
    "route",
]
