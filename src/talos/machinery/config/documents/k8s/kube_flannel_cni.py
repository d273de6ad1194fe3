"""Document KubeFlannelCNIConfig."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document


class ResourcesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeFlannelCNIConfig."""

    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None


class KubeFlannelCNIConfig(document.Document, frozen=True, kw_only=True):
    """Kube flannel cNIConfig."""

    kind: ClassVar[str] = "KubeFlannelCNIConfig"
    control_plane_only: ClassVar[bool] = True

    backend_type: str = msgspec.field(default="", name="backendType")
    backend_port: int = msgspec.field(default=0, name="backendPort")
    backend_mtu: int = msgspec.field(default=0, name="backendMTU")
    backend_extra_config: dict[str, Any] | None = msgspec.field(default=None, name="backendExtraConfig")
    resources: ResourcesConfig | None = None
    extra_args: tuple[str, ...] = msgspec.field(default=(), name="extraArgs")
    kube_network_policies_enabled: bool | None = msgspec.field(default=None, name="kubeNetworkPoliciesEnabled")
