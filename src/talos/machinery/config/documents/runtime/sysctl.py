"""Document SysctlConfig: kernel parameters below /proc/sys."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings


class SysctlConfig(document.Document, frozen=True, kw_only=True):
    """Kernel parameters; they win over the system's own."""

    kind: ClassVar[str] = "SysctlConfig"

    params: dict[str, str] = document.mapping()
    """Names and values."""

    def validate(self, found: findings.Findings) -> None:
        """Parameters have names."""
        if "" in self.params:
            found.error("params", "a name is empty")

    @classmethod
    def example(cls) -> SysctlConfig:
        """More memory maps for databases."""
        return cls(params={"vm.max_map_count": "262144"})
