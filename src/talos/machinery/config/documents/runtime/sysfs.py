"""Document SysfsConfig: values below /sys."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings


class SysfsConfig(document.Document, frozen=True, kw_only=True):
    """Kernel attributes; names have dots for slashes."""

    kind: ClassVar[str] = "SysfsConfig"

    params: dict[str, str] = document.mapping()
    """Names and values."""

    def validate(self, found: findings.Findings) -> None:
        """Attributes have names."""
        if "" in self.params:
            found.error("params", "a name is empty")

    @classmethod
    def example(cls) -> SysfsConfig:
        """Full speed."""
        return cls(params={"devices.system.cpu.cpu0.cpufreq.scaling_governor": "performance"})
