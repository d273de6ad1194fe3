"""The affiliate of this node: what the others should know of it."""

from __future__ import annotations

import ipaddress

from talos.base import errors
from talos.base.constants import versions
from talos.cosi import controller
from talos.machined.controllers.cluster import _affiliate_codec as codec
from talos.machined.controllers.cluster import _affiliates, node_identity
from talos.machinery.resources.cluster.affiliate import Affiliate, ControlPlane, KubeSpanAffiliateSpec
from talos.machinery.resources.cluster.discovery_config import CONFIG_ID, DiscoveryConfig
from talos.machinery.resources.cluster.identity import Identity
from talos.machinery.resources.config.machine_type import MACHINE_TYPE_ID, MachineType
from talos.machinery.resources.k8s.api_server_config import APIServerConfig
from talos.machinery.resources.k8s.node_status import NodeStatus
from talos.machinery.resources.k8s.nodename import NODENAME_ID, Nodename
from talos.machinery.resources.kubespan.kube_span_config import CONFIG_ID as KUBESPAN_CONFIG_ID
from talos.machinery.resources.kubespan.kube_span_config import KubeSpanConfig
from talos.machinery.resources.kubespan.kube_span_identity import KubeSpanIdentity
from talos.machinery.resources.network.address_status import AddressStatus
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID
from talos.machinery.resources.network.hostname_status import HostnameStatus
from talos.machinery.resources.network.node_address import NodeAddress

OPERATING_SYSTEM = f"Talos ({versions.TALOS})"
KUBESPAN_PORT = 51820
CLUSTER_NAMESPACE = "cluster"
FINAL_API_SERVER_CONFIG_ID = "kube-apiserver"
CURRENT_MACHINE_ID = "current-no-k8s"
CURRENT_KUBERNETES_ID = "current-only-k8s"
ROUTED_MACHINE_ID = "routed-no-k8s"


class LocalAffiliateController(controller.Controller):
    """Publishes the affiliate under the node's id, in the namespace of merged affiliates."""

    inputs = (
        controller.weak(DiscoveryConfig, id=CONFIG_ID),
        controller.weak(Identity, id=node_identity.LOCAL_ID),
        controller.weak(HostnameStatus, id=HOSTNAME_ID),
        controller.weak(Nodename, id=NODENAME_ID),
        controller.weak(NodeAddress),
        controller.weak(NodeStatus),
        controller.weak(KubeSpanIdentity, id=node_identity.LOCAL_ID),
        controller.weak(KubeSpanConfig, id=KUBESPAN_CONFIG_ID),
        controller.weak(MachineType, id=MACHINE_TYPE_ID),
        controller.weak(AddressStatus, namespace=CLUSTER_NAMESPACE),
        controller.weak(APIServerConfig, id=FINAL_API_SERVER_CONFIG_ID),
    )
    outputs = (controller.shared(Affiliate),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Nothing is published before identity, host name, machine type and addresses are known."""
        config = await r.find(DiscoveryConfig, CONFIG_ID)
        identity = await r.find(Identity, node_identity.LOCAL_ID)
        if config is None or not config.spec.discovery_enabled or identity is None:
            return
        hostname = await r.find(HostnameStatus, HOSTNAME_ID)
        machine = await r.find(MachineType, MACHINE_TYPE_ID)
        routed = await r.find(NodeAddress, ROUTED_MACHINE_ID)
        current = await r.find(NodeAddress, CURRENT_MACHINE_ID)
        if hostname is None or machine is None or routed is None or current is None:
            raise errors.NotReady("host name, machine type or addresses are not known yet")
        nodename = await r.find(Nodename, NODENAME_ID)
        api_server = await r.find(APIServerConfig, FINAL_API_SERVER_CONFIG_ID)
        domain = hostname.spec.domainname
        span = await self._kubespan(r, current.spec.addresses)
        addresses = [*(_ip(one) for one in routed.spec.addresses), *await self._external(r)]
        if span.address:
            addresses.append(span.address)
        spec = Affiliate.Spec(
            node_id=identity.spec.node_id,
            addresses=tuple(dict.fromkeys(addresses)),
            hostname=f"{hostname.spec.hostname}.{domain}" if domain else hostname.spec.hostname,
            nodename=nodename.spec.nodename if nodename else "",
            operating_system=OPERATING_SYSTEM,
            machine_type=machine.spec.machine_type,
            kube_span=span,
            control_plane=ControlPlane(api_server_port=api_server.spec.local_port) if api_server else None,
        )
        await r.put(Affiliate(identity.spec.node_id, spec))

    async def _external(self, r: controller.Handle) -> list[str]:
        found = await r.list(AddressStatus, namespace=CLUSTER_NAMESPACE)
        return [_ip(one.spec.address) for one in found]

    async def _kubespan(self, r: controller.Handle, current: tuple[str, ...]) -> KubeSpanAffiliateSpec:
        config = await r.find(KubeSpanConfig, KUBESPAN_CONFIG_ID)
        identity = await r.find(KubeSpanIdentity, node_identity.LOCAL_ID)
        if config is None or not config.spec.enabled or identity is None:
            return KubeSpanAffiliateSpec()
        advertised: list[str] = []
        if config.spec.advertise_kubernetes_networks:
            pods = await r.find(NodeAddress, CURRENT_KUBERNETES_ID)
            advertised += [str(ipaddress.ip_interface(one).network) for one in pods.spec.addresses] if pods else []
            for status in await r.list(NodeStatus):
                advertised += status.spec.pod_cid_rs
        own = ipaddress.ip_interface(identity.spec.address).ip
        candidates = [ipaddress.ip_address(_ip(one)) for one in current]
        candidates += [ipaddress.ip_address(one) for one in await self._external(r)]
        allowed = [one for one in candidates if one != own and _passes(one, config.spec.endpoint_filters)]
        endpoints = [_affiliates.endpoint_text((one, KUBESPAN_PORT)) for one in allowed]
        return KubeSpanAffiliateSpec(
            public_key=identity.spec.public_key,
            address=str(own),
            additional_addresses=tuple(dict.fromkeys(advertised)),
            endpoints=tuple(dict.fromkeys((*endpoints, *config.spec.extra_endpoints))),
            exclude_advertised_networks=config.spec.exclude_advertised_networks,
        )


def _ip(interface: str) -> str:
    return str(ipaddress.ip_interface(interface).ip)


def _passes(ip: codec.IPAddress, filters: tuple[str, ...]) -> bool:
    """In one of the subnets and in none of those with `!`; without positive ones all pass."""
    positive = [one for one in filters if not one.startswith("!")]
    negative = [one[1:] for one in filters if one.startswith("!")]
    return (not positive or any(_contains(one, ip) for one in positive)) and not any(
        _contains(one, ip) for one in negative
    )


def _contains(subnet: str, ip: codec.IPAddress) -> bool:
    network = ipaddress.ip_network(subnet, strict=False)
    return network.version == ip.version and ip in network
