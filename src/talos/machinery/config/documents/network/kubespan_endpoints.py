"""Document KubeSpanEndpointsConfig: further places where this machine's tunnel is reached."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, values


class KubeSpanEndpointsConfig(document.Document, frozen=True, kw_only=True):
    """Endpoints to announce that the machine can not find out itself, such as a forwarded port."""

    kind: ClassVar[str] = "KubeSpanEndpointsConfig"

    extra_announced_endpoints: tuple[values.AddressPort, ...] = ()
    """Addresses with ports."""

    @classmethod
    def example(cls) -> KubeSpanEndpointsConfig:
        """A port a router forwards."""
        return cls(extra_announced_endpoints=("203.0.113.4:51820",))
