"""Document KubeletConfig."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document


class KubeletConfig(document.Document, frozen=True, kw_only=True):
    """Kubelet config."""

    kind: ClassVar[str] = "KubeletConfig"

    image: str = ""
    config: dict[str, Any] | None = None
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    cluster_dns: tuple[str, ...] = msgspec.field(default=(), name="clusterDNS")
    default_runtime_seccomp_profile_enabled: bool | None = msgspec.field(
        default=None, name="defaultRuntimeSeccompProfileEnabled"
    )
