"""Document KubeNetworkConfig: the networks of pods and services."""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values

# What the API server and the controller manager refuse.
MAX_SERVICE_HOST_BITS = 20
MAX_NODE_MASK_BITS = 16
DEFAULT_NODE_MASK = {4: 24, 6: 64}


class KubeNetworkConfig(document.Document, frozen=True, kw_only=True):
    """Networks of Kubernetes; two prefixes of each kind make a dual-stack cluster."""

    kind: ClassVar[str] = "KubeNetworkConfig"
    legacy: ClassVar[tuple[str, ...]] = ("cluster.network",)

    dns_domain: str = ""
    """Domain of services, cluster.local by default."""
    pod_subnets: Annotated[tuple[values.Prefix, ...], values.REPLACE] = ()
    """Prefixes of pods, one for each address family."""
    service_subnets: Annotated[tuple[values.Prefix, ...], values.REPLACE] = ()
    """Prefixes of services, one for each address family."""
    node_cidr_mask_size_ipv4: Annotated[int, values.Range(0, 32)] = document.named("nodeCIDRMaskSizeIPv4", 0)
    """Prefix length of a node's share of the IPv4 pod network, 24 by default."""
    node_cidr_mask_size_ipv6: Annotated[int, values.Range(0, 128)] = document.named("nodeCIDRMaskSizeIPv6", 0)
    """Prefix length of a node's share of the IPv6 pod network, 64 by default."""

    def validate(self, found: findings.Findings) -> None:
        """Pods and services have the same families, and prefixes of sizes Kubernetes takes."""
        pods = self._families(found, "podSubnets", self.pod_subnets)
        services = self._families(found, "serviceSubnets", self.service_subnets)
        if len(self.pod_subnets) != len(self.service_subnets):
            found.error("serviceSubnets", f"as many are needed as there are pod subnets: {len(self.pod_subnets)}")
        elif pods != services:
            found.error("serviceSubnets", "the address families have to come in the order of podSubnets")
        if "" in (*self.pod_subnets, *self.service_subnets):
            return
        for n, text in enumerate(self.service_subnets):
            network = values.parse_prefix(text).network
            if network.max_prefixlen - network.prefixlen > MAX_SERVICE_HOST_BITS:
                found.error(f"serviceSubnets[{n}]", f"larger than {MAX_SERVICE_HOST_BITS} host bits: {text}")
        for n, text in enumerate(self.pod_subnets):
            self._check_node_mask(found, f"podSubnets[{n}]", values.parse_prefix(text).network)

    def _families(self, found: findings.Findings, path: str, subnets: tuple[str, ...]) -> list[int]:
        if not found.require(subnets, path):
            return []
        for n, text in enumerate(subnets):
            found.require(text, f"{path}[{n}]")
        families: list[int] = [values.parse_prefix(text).version for text in subnets if text]
        if families and max(Counter(families).values()) > 1:
            found.error(path, "one prefix for each address family is the most")
        return families

    def _check_node_mask(
        self, found: findings.Findings, path: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network
    ) -> None:
        asked = self.node_cidr_mask_size_ipv4 if network.version == 4 else self.node_cidr_mask_size_ipv6
        mask = asked or DEFAULT_NODE_MASK[network.version]
        if mask < network.prefixlen:
            found.error(path, f"/{mask} for each node does not fit into {network}")
        elif mask - network.prefixlen > MAX_NODE_MASK_BITS:
            found.error(path, f"/{mask} for each node cuts {network} into more than 2^{MAX_NODE_MASK_BITS} shares")

    @classmethod
    def example(cls) -> KubeNetworkConfig:
        """Dual stack."""
        return cls(
            dns_domain="cluster.local",
            pod_subnets=("10.244.0.0/16", "fd00:10:244::/56"),
            service_subnets=("10.96.0.0/12", "fd00:10:96::/112"),
        )
