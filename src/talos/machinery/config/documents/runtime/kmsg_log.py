"""Document KmsgLogConfig: where the kernel's log is sent."""

from __future__ import annotations

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from talos.machinery.config import document, findings, values


class KmsgLogConfig(document.Document, frozen=True, kw_only=True):
    """Sends the kernel's log as lines of JSON."""

    kind: ClassVar[str] = "KmsgLogConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    url: Annotated[values.Url, values.ALWAYS] = ""
    """`tcp://host:port` or `udp://host:port`."""

    def validate(self, found: findings.Findings) -> None:
        """A protocol, a host and a port, nothing more."""
        found.require(self.name, "name")
        if not found.require(self.url, "url"):
            return
        parts = urlsplit(self.url)
        if parts.scheme not in ("tcp", "udp"):
            found.error("url", f"expected tcp:// or udp://, got {self.url!r}")
        if parts.path not in ("", "/"):
            found.error("url", f"a path is not accepted: {parts.path}")
        if parts.port is None:
            found.error("url", "has no port")

    @classmethod
    def example(cls) -> KmsgLogConfig:
        """A collector."""
        return cls(name="remote", url="tcp://192.168.10.3:3478")
