"""Reading and changing links, addresses, routes, rules and neighbours of one network namespace.

Thin: packs a value, sends it, parses what comes back. What should be changed is planned by callers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import ipaddress
import socket
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from talos.base import errors
from talos.linux.netlink import address as addresses
from talos.linux.netlink import codec, connection
from talos.linux.netlink import link as links
from talos.linux.netlink import neighbour as neighbours
from talos.linux.netlink import route as routes
from talos.linux.netlink.address import Address, Interface
from talos.linux.netlink.link import Link
from talos.linux.netlink.neighbour import Neighbour
from talos.linux.netlink.route import Route as RouteEntry
from talos.linux.netlink.route import Rule

LinkId = int | str | Link
"""A link by index, name (or alternative name) or value."""

_ADD = codec.F_CREATE | codec.F_EXCL
_PUT = codec.F_CREATE | codec.F_REPLACE


class Route:
    """An rtnetlink client: `with Route() as rt: rt.link_add_bridge("br0", up=True)`.

    `namespace` is a network namespace as descriptor or path, None for the caller's. Refusals are NetlinkError (an
    OSError with the kernel's own words), a link that does not exist is NotFound.
    """

    def __init__(self, namespace: connection.Namespace | None = None, *, timeout_s: float = 10.0) -> None:
        self._connection = connection.Connection(namespace, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the socket."""
        self._connection.close()

    # links

    def links(self) -> list[Link]:
        """All links by index."""
        answers = self._connection.dump(links.GET, links.pack_dump(), action="list links")
        return [links.parse(message.body) for message in answers if message.type == links.NEW]

    def link(self, target: LinkId) -> Link:
        """One link; NotFound when there is none."""
        key = target.index if isinstance(target, Link) else target
        try:
            answers = self._connection.request(links.GET, links.pack_get(key), action=f"get link {key}")
        except codec.NetlinkError as err:
            if err.absent:
                raise errors.NotFound(f"no link {key}") from err
            raise
        return links.parse(answers[0].body)

    def find_link(self, target: LinkId) -> Link | None:
        """As `link`, None when there is none."""
        try:
            return self.link(target)
        except errors.NotFound:
            return None

    def index(self, target: LinkId) -> int:
        """The interface index; NotFound for an unknown name."""
        if isinstance(target, Link):
            return target.index
        return target if isinstance(target, int) else self.link(target).index

    def link_add(
        self,
        name: str,
        kind: str,
        *,
        data: Mapping[str, Any] | None = None,
        up: bool | None = None,
        peer: bytes = b"",
        **settings: Any,
    ) -> Link:
        """Make a link of any kind; `settings` are those of `links.ATTRIBUTES` (mtu, address, master, parent, …).

        `data` are the settings of the kind (see `kinds`). Raises NetlinkError EEXIST when the name is taken.
        """
        self._indices(settings)
        body = links.pack_settings(0, {"name": name, **settings}, up=up) + links.pack_info(kind, data, peer=peer)
        self._connection.request(links.NEW, body, _ADD, action=f"add {kind} link {name}")
        if "netns_fd" in settings or "netns_pid" in settings:
            return Link(0, name, kind=kind)
        return self.link(name)

    def link_add_bridge(
        self, name: str, *, up: bool = False, data: Mapping[str, Any] | None = None, **settings: Any
    ) -> Link:
        """A bridge; `data` e.g. {"stp_state": 0, "forward_delay": 0}."""
        return self.link_add(name, "bridge", data=data, up=up, **settings)

    def link_add_veth(
        self, name: str, peer: str, *, peer_settings: Mapping[str, Any] | None = None, up: bool = False, **settings: Any
    ) -> Link:
        """Two joined ends; the peer may be made in another namespace (`peer_settings={"netns_fd": fd, "mtu": …}`)."""
        other = links.pack_settings(0, {"name": peer, **(peer_settings or {})})
        return self.link_add(name, "veth", up=up, peer=other, **settings)

    def link_add_vxlan(
        self,
        name: str,
        vni: int,
        *,
        local: codec.IPAddress | str | None = None,
        parent: LinkId | None = None,
        port: int = 4789,
        learning: bool = True,
        up: bool = False,
        **settings: Any,
    ) -> Link:
        """A vxlan tunnel end on UDP `port`."""
        local_ip = ipaddress.ip_address(local) if local is not None else None
        data = {
            "id": vni,
            "link": self.index(parent) if parent is not None else None,
            ("local6" if local_ip is not None and local_ip.version == 6 else "local"): local_ip,
            "port": port,
            "learning": int(learning),
        }
        return self.link_add(name, "vxlan", data=data, up=up, **settings)

    def link_add_vlan(self, name: str, parent: LinkId, vid: int, *, up: bool = False, **settings: Any) -> Link:
        """A VLAN of `parent`."""
        return self.link_add(name, "vlan", data={"id": vid}, parent=parent, up=up, **settings)

    def link_add_dummy(self, name: str, *, up: bool = False, **settings: Any) -> Link:
        """A link that drops what is sent."""
        return self.link_add(name, "dummy", up=up, **settings)

    def link_add_bond(self, name: str, data: Mapping[str, Any], *, up: bool = False, **settings: Any) -> Link:
        """A bond; its ports are given by `link_set(port, master=name)` while they are down."""
        return self.link_add(name, "bond", data=data, up=up, **settings)

    def link_set(
        self,
        target: LinkId,
        *,
        up: bool | None = None,
        multicast: bool | None = None,
        arp: bool | None = None,
        promiscuous: bool | None = None,
        **settings: Any,
    ) -> None:
        """Change a link: up, mtu, address, name, alias, master (0 releases it), netns_fd, netns_pid, group, …"""
        index = self.index(target)
        self._indices(settings)
        flags = change = 0
        wanted = (
            (links.Flags.MULTICAST, multicast),
            (links.Flags.NOARP, None if arp is None else not arp),
            (links.Flags.PROMISC, promiscuous),
        )
        for flag, value in wanted:
            if value is not None:
                change |= flag
                flags |= flag if value else 0
        body = links.pack_settings(index, settings, up=up, flags=flags, change=change)
        self._connection.request(links.NEW, body, action=f"set link {_label(target)}")

    def link_set_data(self, target: LinkId, kind: str, data: Mapping[str, Any]) -> None:
        """Change the settings of the link's kind."""
        body = links.header(self.index(target)) + links.pack_info(kind, data)
        self._connection.request(links.NEW, body, action=f"set {kind} link {_label(target)}")

    def link_set_port_data(self, target: LinkId, kind: str, data: Mapping[str, Any]) -> None:
        """Change what the master (of `kind`) keeps for this port."""
        body = links.header(self.index(target)) + links.pack_port_info(kind, data)
        self._connection.request(links.NEW, body, action=f"set {kind} port {_label(target)}")

    def link_delete(self, target: LinkId, *, missing_ok: bool = False) -> None:
        """Delete a link; hardware cannot be deleted (NetlinkError EOPNOTSUPP)."""
        try:
            body = links.header(self.index(target))
            self._connection.request(links.DEL, body, action=f"delete link {_label(target)}")
        except (errors.NotFound, codec.NetlinkError) as err:
            if not missing_ok or (isinstance(err, codec.NetlinkError) and not err.absent):
                raise

    def link_add_names(self, target: LinkId, *names: str) -> None:
        """Give a link alternative names (up to 127 bytes each)."""
        body = links.pack_names(self.index(target), names)
        self._connection.request(links.NEW_PROPERTY, body, _ADD, action=f"name link {_label(target)} {' '.join(names)}")

    def link_delete_names(self, target: LinkId, *names: str) -> None:
        """Take alternative names away."""
        body = links.pack_names(self.index(target), names)
        self._connection.request(links.DEL_PROPERTY, body, action=f"unname link {_label(target)} {' '.join(names)}")

    def _indices(self, settings: dict[str, Any]) -> None:
        for key in ("master", "parent"):
            if settings.get(key) is not None:
                settings[key] = self.index(settings[key])

    # addresses

    def addresses(self, target: LinkId | None = None, *, family: int = socket.AF_UNSPEC) -> list[Address]:
        """Addresses of one link or of all."""
        index = self.index(target) if target is not None else 0
        answers = self._connection.dump(addresses.GET, addresses.pack_dump(family, index), action="list addresses")
        found = [addresses.parse(message.body) for message in answers if message.type == addresses.NEW]
        return [one for one in found if index in (0, one.index)]

    def address_add(self, target: LinkId, address: Interface | str, **settings: Any) -> None:
        """Give a link an address, e.g. "10.5.0.1/24"; an IPv4 broadcast address is derived. `settings`: Address fields.

        Adding what is there already does nothing.
        """
        value = self._address(target, address, settings)
        with _tolerate(errno.EEXIST):
            self._connection.request(
                addresses.NEW, addresses.pack(value), _ADD, action=f"add address {address} to {_label(target)}"
            )

    def address_replace(self, target: LinkId, address: Interface | str, **settings: Any) -> None:
        """As `address_add`, changing flags, lifetimes and priority of one that is there."""
        value = self._address(target, address, settings)
        self._connection.request(
            addresses.NEW, addresses.pack(value), _PUT, action=f"set address {address} on {_label(target)}"
        )

    def address_delete(self, target: LinkId, address: Interface | str, *, missing_ok: bool = False) -> None:
        """Take an address from a link."""
        value = Address(self.index(target), ipaddress.ip_interface(address))
        with _tolerate(*(codec.ABSENT if missing_ok else ())):
            self._connection.request(
                addresses.DEL, addresses.pack(value), action=f"delete address {address} from {_label(target)}"
            )

    def _address(self, target: LinkId, address: Interface | str, settings: Mapping[str, Any]) -> Address:
        interface = ipaddress.ip_interface(address)
        value = Address(self.index(target), interface, **settings)
        network = interface.network
        if value.broadcast is None and isinstance(network, ipaddress.IPv4Network) and network.prefixlen < 31:
            value = dataclasses.replace(value, broadcast=network.broadcast_address)
        return value

    # routes

    def routes(self, *, family: int = socket.AF_UNSPEC, table: int = routes.TABLE_UNSPEC) -> list[RouteEntry]:
        """Unicast and other routes; `table` 0 means all tables. Cached clones are left out."""
        answers = self._connection.dump(routes.GET, routes.pack_dump(family), action="list routes")
        found = [routes.parse(message.body) for message in answers if message.type == routes.NEW]
        families = (socket.AF_INET, socket.AF_INET6)
        return [
            one
            for one in found
            if one.family in families and table in (0, one.table) and not one.flags & routes.Flags.CLONED
        ]

    def route_add(self, route: RouteEntry) -> None:
        """Add a route; adding what is there already does nothing."""
        with _tolerate(errno.EEXIST):
            self._connection.request(routes.NEW, routes.pack(route), _ADD, action=f"add {describe(route)}")

    def route_replace(self, route: RouteEntry) -> None:
        """Add a route or change the one with its destination, table and priority."""
        self._connection.request(routes.NEW, routes.pack(route), _PUT, action=f"set {describe(route)}")

    def route_delete(self, route: RouteEntry, *, missing_ok: bool = False) -> None:
        """Delete a route."""
        with _tolerate(*(codec.ABSENT if missing_ok else ())):
            self._connection.request(routes.DEL, routes.pack(route), action=f"delete {describe(route)}")

    def route_to(self, destination: codec.IPAddress | str) -> RouteEntry:
        """The route the kernel would take; NetlinkError ENETUNREACH when none."""
        ip = ipaddress.ip_address(destination)
        family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
        query = RouteEntry(family, ipaddress.ip_network(ip), type=0, protocol=0, table=0)
        answers = self._connection.request(routes.GET, routes.pack(query), action=f"find a route to {ip}")
        return routes.parse(answers[0].body)

    # rules

    def rules(self, *, family: int = socket.AF_UNSPEC) -> list[Rule]:
        """Routing rules of both IP families or of one."""
        families = (family,) if family else (socket.AF_INET, socket.AF_INET6)
        found = []
        for one in families:
            answers = self._connection.dump(routes.RULE_GET, routes.pack_rule_dump(one), action="list routing rules")
            found += [routes.parse_rule(message.body) for message in answers if message.type == routes.RULE_NEW]
        return found

    def rule_add(self, rule: Rule) -> None:
        """Add a routing rule; adding what is there already does nothing."""
        with _tolerate(errno.EEXIST):
            self._connection.request(
                routes.RULE_NEW, routes.pack_rule(rule), _ADD, action=f"add routing rule {rule.priority}"
            )

    def rule_delete(self, rule: Rule, *, missing_ok: bool = False) -> None:
        """Delete a routing rule."""
        with _tolerate(*(codec.ABSENT if missing_ok else ())):
            self._connection.request(
                routes.RULE_DEL, routes.pack_rule(rule), action=f"delete routing rule {rule.priority}"
            )

    # neighbours

    def neighbours(self, *, family: int = socket.AF_UNSPEC) -> list[Neighbour]:
        """ARP and NDP entries, or forwarding entries with family AF_BRIDGE."""
        answers = self._connection.dump(neighbours.GET, neighbours.pack_dump(family), action="list neighbours")
        return [neighbours.parse(message.body) for message in answers if message.type == neighbours.NEW]

    def neighbour_replace(self, entry: Neighbour) -> None:
        """Add or change an entry."""
        self._connection.request(neighbours.NEW, neighbours.pack(entry), _PUT, action=f"set neighbour {entry.ip}")

    def neighbour_append(self, entry: Neighbour) -> None:
        """Add a further destination to a forwarding entry."""
        flags = codec.F_CREATE | codec.F_APPEND
        self._connection.request(neighbours.NEW, neighbours.pack(entry), flags, action=f"add neighbour {entry.address}")

    def neighbour_delete(self, entry: Neighbour, *, missing_ok: bool = False) -> None:
        """Delete an entry."""
        with _tolerate(*(codec.ABSENT if missing_ok else ())):
            self._connection.request(
                neighbours.DEL, neighbours.pack(entry), action=f"delete neighbour {entry.ip or entry.address}"
            )


def _label(target: LinkId) -> str:
    return target.name if isinstance(target, Link) else str(target)


def describe(route: RouteEntry) -> str:
    """The route for a message, as `ip route` writes it."""
    words = [f"route {route.destination or 'default'}"]
    if route.gateway:
        words.append(f"via {route.gateway}")
    if route.index:
        words.append(f"dev #{route.index}")
    if route.table != routes.TABLE_MAIN:
        words.append(f"table {route.table}")
    return " ".join(words)


@contextlib.contextmanager
def _tolerate(*numbers: int) -> Iterator[None]:
    try:
        yield
    except codec.NetlinkError as err:
        if err.errno not in numbers:
            raise
