"""Steps for the host side of the network: kernel parameters, bridge, address translation."""

from __future__ import annotations

import contextlib
from pathlib import Path

from talos.linux import netlink, nft, sysctl
from talos.provision import plan, state
from talos.provision.providers.namespaces import nat, parameters
from talos.provision.state import Cluster

# Forwarding is ours; the others are set by every kubelet, for the whole kernel.
SYSCTLS = (
    "net.ipv4.ip_forward",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
)


class Sysctls(plan.Step):
    """Forwarding on; the values of all parameters a node changes are noted first and given back with the last
    cluster."""

    key = "host/sysctls"
    title = "kernel parameters"

    def __init__(self, root: Path = sysctl.ROOT, folder: Path = parameters.FOLDER) -> None:
        self._root, self._folder = root, folder

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Note, then set."""
        file = cluster.folder / state.FILE
        parameters.acquire(cluster.names.id, file, SYSCTLS, root=self._root, folder=self._folder)
        sysctl.write("net.ipv4.ip_forward", "1", self._root)

    async def undo(self, cluster: Cluster) -> None:
        """Restore what was there before the first cluster, once no other cluster runs."""
        parameters.release(cluster.names.id, root=self._root, folder=self._folder)


class Bridge(plan.Step):
    """The bridge in the host's namespace, with the gateway's address."""

    key = "network/bridge"
    title = "network"
    after = ("host/sysctls",)

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Make what is missing."""
        request, name = cluster.request, cluster.names.bridge
        with netlink.Route() as rt:
            if rt.find_link(name) is None:
                # Ports forward at once: there is nothing to learn about a tree.
                rt.link_add_bridge(name, mtu=request.mtu, data={"stp_state": 0, "forward_delay": 0})
            rt.address_add(name, f"{request.gateway}/{request.network.prefixlen}")
            rt.link_set(name, up=True)
        # Lets the host reach published ports by its loopback address; `nat` keeps the nodes from using it.
        with contextlib.suppress(OSError):
            sysctl.write(f"net/ipv4/conf/{name}/route_localnet", "1" if request.ports else "0")

    async def undo(self, cluster: Cluster) -> None:
        """Delete it; links of nodes go with their namespaces."""
        with netlink.Route() as rt:
            rt.link_delete(cluster.names.bridge, missing_ok=True)


class Translation(plan.Step):
    """The way out and published ports."""

    key = "network/nat"
    title = "address translation"
    after = ("network/bridge",)

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Replace the table."""
        if nft.program() is None:
            progress.note("nft is not installed on this machine: the nodes have no way to the outside")
            return
        await nft.apply(nat.script(cluster.request, cluster.names))

    async def undo(self, cluster: Cluster) -> None:
        """Delete the table."""
        if nft.program() is not None:
            await nft.delete_table(nat.FAMILY, cluster.names.table)


def steps() -> list[plan.Step]:
    """All of them."""
    return [Sysctls(), Bridge(), Translation()]
