"""DHCP and DNS of a cluster's segment, as the process of the cluster's services is told and runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from talos.base import tasks
from talos.provision.providers.namespaces import node as containers
from talos.provision.providers.qemu import settings
from talos.provision.request import Names, Request

Content = Mapping[str, Any]


def content(request: Request, names: Names, options: Mapping[str, Any]) -> Content:
    """What goes into the settings of the services."""
    hosts = {containers.mac_address(one.ip): {"name": one.name, "ip": one.ip} for one in request.nodes}
    return {
        "link": names.bridge,
        "cidr": request.cidr,
        "gateway": request.gateway,
        "mtu": request.mtu,
        "host_names": settings.Settings.of(options).host_names,
        "hosts": hosts,
    }


async def serve(now: Callable[[], Content], owner: tasks.Owner) -> None:
    """Answer until `owner` ends; `now` gives the present settings. Raises OSError when a port is taken."""
    from talos.provision.providers.qemu import dhcp, dns

    def scope() -> dhcp.Scope:
        told = now()
        hosts = {mac: dhcp.Host(**host) for mac, host in told["hosts"].items()}
        return dhcp.Scope(told["cidr"], told["gateway"], told["mtu"], hosts, told["host_names"])

    def addresses() -> dict[str, str]:
        return {host["name"]: host["ip"] for host in now()["hosts"].values()}

    transport = await dhcp.serve(now()["link"], scope)
    owner.spawn(_close_at_end(transport.close), "DHCP socket")
    await dns.serve(now()["gateway"], owner, addresses)


async def _close_at_end(close: Callable[[], None]) -> None:
    import asyncio

    try:
        await asyncio.Event().wait()
    finally:
        close()
