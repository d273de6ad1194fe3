"""Document SecurityProfileConfig: how far workloads are kept from the system."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class SecurityProfileConfig(document.Document, frozen=True, kw_only=True):
    """Hardening of the machine."""

    kind: ClassVar[str] = "SecurityProfileConfig"

    workload_isolation: bool | None = None
    """Run containers in namespaces of their own, out of the system's sight and reach."""

    @classmethod
    def example(cls) -> SecurityProfileConfig:
        """Switched on."""
        return cls(workload_isolation=True)
