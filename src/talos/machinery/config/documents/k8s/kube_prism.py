"""Document KubePrismConfig: the balancer over all API servers."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings


class KubePrismConfig(document.Document, frozen=True, kw_only=True):
    """A balancer on 127.0.0.1 through which this machine reaches the API even when the endpoint is down."""

    kind: ClassVar[str] = "KubePrismConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.features.kubePrism",)

    port: int = 0
    """Port it listens on."""
    tls_server_name: str = ""
    """Name the kubelet expects in the API server's certificate, when it is none of the usual ones."""

    def validate(self, found: findings.Findings) -> None:
        """The port has to be one."""
        if not 1 <= self.port <= 65535:
            found.error("port", f"expected a port from 1 to 65535, got {self.port}")

    @classmethod
    def example(cls) -> KubePrismConfig:
        """The usual port."""
        return cls(port=7445)
