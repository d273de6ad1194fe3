"""Files that tell programs the node's names and resolvers.

/etc/hosts always, /etc/resolv.conf unless the container runtime makes it, and the resolv.conf the kubelet gives to
pods: with the host DNS forwarding for Kubernetes it names that alone, else the resolvers themselves.
"""

from __future__ import annotations

import contextlib
import ipaddress
from pathlib import Path

from talos.base.constants import paths
from talos.cosi import controller
from talos.machined.controllers.network import _config, _files
from talos.machined.modes import Mode
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec
from talos.machinery.resources.network.host_dns_config import HOST_DNS_CONFIG_ID, HostDNSConfig
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID
from talos.machinery.resources.network.hostname_status import HostnameStatus
from talos.machinery.resources.network.node_address import NODE_ADDRESS_DEFAULT_ID, NodeAddress
from talos.machinery.resources.network.resolver_spec import RESOLVER_ID
from talos.machinery.resources.network.resolver_status import ResolverStatus

_MODE = 0o644


class EtcFileController(controller.Controller):
    """Writes EtcFileSpecs `hosts` and `resolv.conf`, and the pods' resolv.conf."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(HostnameStatus, id=HOSTNAME_ID),
        controller.weak(ResolverStatus, id=RESOLVER_ID),
        controller.weak(NodeAddress, id=NODE_ADDRESS_DEFAULT_ID),
        controller.weak(HostDNSConfig, id=HOST_DNS_CONFIG_ID),
    )
    outputs = (controller.shared(EtcFileSpec),)

    def __init__(self, mode: Mode, pod_resolv_conf: Path = paths.POD_RESOLV_CONF) -> None:
        self._container = mode is Mode.CONTAINER
        self._pod_resolv_conf = pod_resolv_conf

    async def reconcile(self, r: controller.Handle) -> None:
        """Each file as soon as what it needs is known."""
        await self._hosts(r)
        resolvers = await r.find(ResolverStatus, RESOLVER_ID)
        dns = await r.find(HostDNSConfig, HOST_DNS_CONFIG_ID)
        if resolvers is None or dns is None:
            return
        servers, search = resolvers.spec.dns_servers, resolvers.spec.search_domains
        listen = [one.rpartition(":")[0].strip("[]") for one in dns.spec.listen_addresses[:1]]
        if not self._container:
            contents = _files.resolv_conf(listen if dns.spec.enabled else servers, search)
            await r.put(EtcFileSpec("resolv.conf", EtcFileSpec.Spec(contents=contents, mode=_MODE)))
        service = dns.spec.service_host_dns_address if dns.spec.enabled else ""
        _write(self._pod_resolv_conf, _files.resolv_conf([service] if service else servers, search))

    async def _hosts(self, r: controller.Handle) -> None:
        hostname = await r.find(HostnameStatus, HOSTNAME_ID)
        default = await r.find(NodeAddress, NODE_ADDRESS_DEFAULT_ID)
        if hostname is None or default is None:
            return
        addresses = [str(ipaddress.ip_interface(one).ip) for one in default.spec.addresses]
        extra = views.static_hosts(await _config.active(r))
        contents = _files.hosts(hostname.spec.hostname, hostname.spec.domainname, addresses, extra)
        await r.put(EtcFileSpec("hosts", EtcFileSpec.Spec(contents=contents, mode=_MODE)))


def _write(file: Path, contents: bytes) -> None:
    """In place: pods have this very file bind mounted, a new one would not reach them."""
    with contextlib.suppress(FileNotFoundError):
        if file.read_bytes() == contents:
            return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(contents)
    file.chmod(_MODE)
