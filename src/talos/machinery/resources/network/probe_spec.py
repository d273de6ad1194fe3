"""Resource type ProbeSpecs.net.talos.dev."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types
from talos.machinery.types import url


class TCPProbeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Reach a TCP endpoint."""

    endpoint: str = ""
    timeout: datetime.timedelta = datetime.timedelta()


class HTTPProbeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Reach a URL."""

    url: str = ""
    timeout: datetime.timedelta = datetime.timedelta()

    def as_yaml(self, plain: dict[str, Any]) -> Any:
        """The URL is in parts."""
        plain["url"] = url.parts(self.url, type(plain))
        return plain


class ProbeSpec(resource.Resource["ProbeSpec.Spec"]):
    """A check of connectivity that is to be repeated."""

    definition = resource.Definition(
        type="ProbeSpecs.net.talos.dev", namespace="network", message="talos.resource.definitions.network.ProbeSpecSpec"
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"tcp", "http"})

        interval: datetime.timedelta = datetime.timedelta()
        failure_threshold: int = msgspec.field(default=0, name="failureThreshold")
        tcp: TCPProbeSpec = msgspec.field(default_factory=TCPProbeSpec)
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
        http: HTTPProbeSpec = msgspec.field(default_factory=HTTPProbeSpec)
