"""What the platform says about the network. In a container: the name and the resolvers its starter gave it.

Links, addresses and routes are set up from outside before the container starts, so nothing is said about them.
"""

from __future__ import annotations

import ipaddress
import platform
from pathlib import Path

from talos.cosi import controller
from talos.machined.controllers.network import _hostnames
from talos.machined.modes import Mode
from talos.machinery.resources.network.hostname_spec import HostnameSpec
from talos.machinery.resources.network.platform_config import PLATFORM_CONFIG_ACTIVE_ID, PlatformConfig
from talos.machinery.resources.network.resolver_spec import NameServerSpec, ResolverSpec
from talos.machinery.types import network

_LAYER = network.ConfigLayer.PLATFORM


def parse_resolv_conf(text: str) -> ResolverSpec.Spec | None:
    """Name servers and search domains of resolv.conf(5), None when it names no server."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    for line in text.splitlines():
        keyword, *values = line.split("#", 1)[0].split()[:64] or [""]
        if keyword == "nameserver" and values:
            servers.append(values[0].partition("%")[0])
        elif keyword in ("search", "domain"):
            search = tuple(one for one in values if one != ".")
    servers = [one for one in servers if _is_address(one)]
    if not servers:
        return None
    return ResolverSpec.Spec(
        dns_servers=tuple(servers),
        name_servers=tuple(NameServerSpec(addr=one) for one in servers),
        search_domains=search,
        config_layer=_LAYER,
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class ContainerPlatformConfigController(controller.Controller):
    """Publishes PlatformConfig `active` from the files the container was started with."""

    name = "network.PlatformConfigController"
    outputs = (controller.shared(PlatformConfig),)
    modes = Mode.CONTAINER

    def __init__(self, etc: Path = Path("/etc")) -> None:
        self._etc = etc

    async def reconcile(self, r: controller.Handle) -> None:
        """Once: the files do not change while the container runs."""
        hostname = self._read("hostname").strip() or platform.node()
        resolvers = parse_resolv_conf(self._read("resolv.conf"))
        hostnames: tuple[HostnameSpec.Spec, ...] = ()
        if hostname:
            hostnames = (_hostnames.split(hostname, _LAYER),)
        spec = PlatformConfig.Spec(hostnames=hostnames, resolvers=(resolvers,) if resolvers else ())
        await r.put(PlatformConfig(PLATFORM_CONFIG_ACTIVE_ID, spec))

    def _read(self, name: str) -> str:
        try:
            return (self._etc / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""
