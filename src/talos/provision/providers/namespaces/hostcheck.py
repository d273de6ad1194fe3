"""Is what the request asks for still free on this machine? Every refusal is one line that says what to change."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.linux import mount, netlink
from talos.provision.request import GIB, MIB, Port, Request
from talos.provision.state import Cluster, Store

# What a node writes before its first pod of a person's own: images unpacked, etcd, logs.
NODE_BYTES = 1280 * MIB


@dataclass(frozen=True, slots=True)
class Taken:
    """What is in use: networks with their users in words, and published ports."""

    networks: tuple[tuple[ipaddress.IPv4Network, str], ...] = ()
    ports: tuple[tuple[Port, str], ...] = ()


def problems(request: Request, taken: Taken) -> list[str]:
    """Everything that collides."""
    networks = (
        f"network {request.cidr} is taken: {user} uses {network} (choose another with --cidr)"
        for network, user in taken.networks
        if network.overlaps(request.network)
    )
    # A host has several routes per network; the first tells enough.
    found = [problem for problem in [next(networks, "")] if problem]
    for port in request.ports:
        for other, user in taken.ports:
            same_address = port.host_ip == other.host_ip or "0.0.0.0" in (port.host_ip, other.host_ip)
            if (port.host_port, port.protocol) == (other.host_port, other.protocol) and same_address:
                found.append(f"host port {port.host_port}/{port.protocol} is taken by {user}")
    return found


def taken_by_clusters(others: Iterable[Cluster]) -> Taken:
    """What other clusters have been given, running or not."""
    networks, ports = [], []
    for other in others:
        networks.append((other.request.network, f"cluster {other.name}"))
        ports += [(port, f"cluster {other.name}") for port in other.request.ports]
    return Taken(tuple(networks), tuple(ports))


def taken_by_host(own_bridge: str) -> Taken:
    """Networks the host has routes to, default routes aside; those of `own_bridge` are the cluster's own."""
    found = []
    with netlink.Route() as rt:
        names = {link.index: link.name for link in rt.links()}
        for route in rt.routes(family=socket.AF_INET, table=netlink.route.TABLE_MAIN):
            name = names.get(route.index, "?")
            if (
                isinstance(route.destination, ipaddress.IPv4Network)
                and route.destination.prefixlen
                and name != own_bridge
            ):
                found.append((route.destination, f"the host's link {name}"))
    return Taken(networks=tuple(found))


def busy_port(port: Port) -> str:
    """Why a published port cannot be had, empty when it can: a local listener would lose its callers."""
    kind = socket.SOCK_STREAM if port.protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((port.host_ip, port.host_port))
        except OSError as error:
            return f"host port {port.host_port}/{port.protocol}: {os.strerror(error.errno or 0)}"
    return ""


def check_taken(request: Request, store: Store, own_bridge: str) -> None:
    """Raise Conflict naming what is in use."""
    clusters, host = taken_by_clusters(store.others(request.name)), taken_by_host(own_bridge)
    found = problems(request, clusters)
    # The network of another cluster is on a link of the host as well; one line is enough.
    found = found or problems(request, host)
    found += [reason for port in request.ports if (reason := busy_port(port))]
    if found:
        raise errors.Conflict("; ".join(found))


def check_disk(folder: Path, nodes: int) -> None:
    """Raise Unsupported when the nodes' first needs do not fit where the clusters are kept."""
    free = mount.usage(folder).available_bytes
    wanted = nodes * NODE_BYTES
    if free < wanted:
        raise errors.Unsupported(
            f"not enough disk space in {folder}: {wanted / GIB:.1f} GiB for the start of {nodes} node(s),"
            f" {free / GIB:.1f} GiB are free (choose another folder with --state)"
        )


def check_mounts(request: Request) -> None:
    """Raise Invalid for a host path that is not there."""
    absent = [one.source for one in request.mounts if not Path(one.source).exists()]
    if absent:
        raise errors.Invalid([errors.Problem(f"mount source {path} does not exist") for path in absent])
