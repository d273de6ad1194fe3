"""Document StaticHostConfig: a line of /etc/hosts."""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class StaticHostConfig(document.Document, frozen=True, kw_only=True):
    """Names of an address."""

    kind: ClassVar[str] = "StaticHostConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """The address."""
    hostnames: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """Names."""

    def validate(self, found: findings.Findings) -> None:
        """An address and a name."""
        if found.require(self.name, "name"):
            try:
                ipaddress.ip_address(self.name)
            except ValueError:
                found.error("name", f"expected an IP address, got {self.name!r}")
        found.require(self.hostnames, "hostnames")

    @classmethod
    def example(cls) -> StaticHostConfig:
        """A registry."""
        return cls(name="10.5.0.1", hostnames=("registry", "registry.example.org"))
