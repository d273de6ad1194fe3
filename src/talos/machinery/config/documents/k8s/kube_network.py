"""Document KubeNetworkConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class KubeNetworkConfig(document.Document, frozen=True, kw_only=True):
    """Kube network config."""

    kind: ClassVar[str] = "KubeNetworkConfig"

    dns_domain: str = msgspec.field(default="", name="dnsDomain")
    pod_subnets: tuple[str, ...] = msgspec.field(default=(), name="podSubnets")
    service_subnets: tuple[str, ...] = msgspec.field(default=(), name="serviceSubnets")
    node_cidr_mask_size_i_pv4: int = msgspec.field(default=0, name="nodeCIDRMaskSizeIPv4")
    node_cidr_mask_size_i_pv6: int = msgspec.field(default=0, name="nodeCIDRMaskSizeIPv6")
