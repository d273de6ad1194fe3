"""The network segment of a cluster: a network namespace with a bridge, joined to this machine by one veth.

    this machine's namespace                     the cluster's (/run/netns/talos<id>)
    talos<id>  gateway address ── veth ── uplink ─┐
                                                 br0 ── tap of each virtual machine

The bridge has no address: what the nodes talk to, gateway, DNS, discovery, is this machine's end of the veth, so the
nodes are reached from here like any neighbour and translation, published ports and services are those of every
provider. Taps belong to the keepers that opened them and are gone with them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from talos.linux import mount, netlink, ns, sysctl
from talos.provision import plan
from talos.provision.providers.namespaces import network
from talos.provision.request import Names
from talos.provision.state import Cluster

FOLDER = Path("/run/netns")
BRIDGE, UPLINK = "br0", "uplink"
TUN = Path("/dev/net/tun")
# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


def path(names: Names) -> Path:
    """The file the cluster's network namespace is kept alive by; `ip netns exec` knows it by its name."""
    return FOLDER / names.bridge


class Segment(plan.Step):
    """Namespace, veth and bridge."""

    key = "network/bridge"
    title = "network"
    after = ("host/sysctls",)

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Make what is missing."""
        request, name, file = cluster.request, cluster.names.bridge, path(cluster.names)
        with netlink.Route() as rt:
            if keep_namespace(file):
                # It led into a namespace that is gone.
                rt.link_delete(name, missing_ok=True)
            with netlink.Route(file) as inside:
                _bridge(inside, request.mtu)
                if rt.find_link(name) is None:
                    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
                    try:
                        settings = {"netns_fd": fd, "mtu": request.mtu}
                        rt.link_add_veth(name, UPLINK, peer_settings=settings, mtu=request.mtu)
                    finally:
                        os.close(fd)
                inside.link_set(UPLINK, master=BRIDGE, up=True)
            rt.address_add(name, f"{request.gateway}/{request.network.prefixlen}")
            rt.link_set(name, up=True)
        # Lets this machine reach published ports by its loopback address; the table keeps the nodes from using it.
        with contextlib.suppress(OSError):
            sysctl.write(f"net/ipv4/conf/{name}/route_localnet", "1" if request.ports else "0")

    async def undo(self, cluster: Cluster) -> None:
        """Remove the veth and let go of the namespace, with which everything in it goes."""
        remove(cluster.names)


def remove(names: Names) -> bool:
    """Remove what there is of the segment; False when there was nothing."""
    file = path(names)
    with netlink.Route() as rt:
        found = rt.find_link(names.bridge) is not None
        rt.link_delete(names.bridge, missing_ok=True)
    if file.exists():
        found = True
        while mount.is_mounted(file):
            mount.unmount(file, mount.Detach.LAZY)
        file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            file.parent.rmdir()
    return found


def keep_namespace(file: Path) -> bool:
    """Have a network namespace bound to the file; True when it was made just now."""
    if file.exists() and mount.is_mounted(file):
        return False
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    file.touch(mode=0o444)

    def make() -> None:
        ns.unshare(ns.Kind.NET)
        mount.bind(f"/proc/self/task/{threading.get_native_id()}/ns/net", file)
        sysctl.write("net/ipv6/conf/default/accept_ra", "0")

    _in_thread(make)
    return True


def _in_thread(function: Callable[[], None]) -> None:
    """Run it in a thread that ends afterwards: it may leave the namespaces of the others."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="segment")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def _bridge(inside: netlink.Route, mtu: int) -> None:
    inside.link_set("lo", up=True)
    if inside.find_link(BRIDGE) is None:
        # Ports forward at once: there is nothing to learn about a tree.
        inside.link_add_bridge(BRIDGE, mtu=mtu, data={"stp_state": 0, "forward_delay": 0})
    inside.link_set(BRIDGE, up=True)


def steps() -> list[plan.Step]:
    """Everything of the network."""
    return [network.Sysctls(), Segment(), network.Translation()]


# --- in a keeper


def open_tap(name: str, bridge: str, mtu: int) -> int:
    """A tap on the bridge of the present namespace, there as long as the descriptor is open. Raises OSError."""
    fd = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
    try:
        request = struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR)
        fcntl.ioctl(fd, _TUNSETIFF, request)
        with netlink.Route() as rt:
            rt.link_set(name, mtu=mtu, master=bridge, up=True)
    except BaseException:
        os.close(fd)
        raise
    return fd
