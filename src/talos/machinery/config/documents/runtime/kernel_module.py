"""Document KernelModuleConfig: a kernel module to load."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings


class KernelModuleConfig(document.Document, frozen=True, kw_only=True):
    """A kernel module that is loaded at boot; changed parameters count after the next one."""

    kind: ClassVar[str] = "KernelModuleConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name of the module."""
    parameters: tuple[str, ...] = ()
    """Parameters, `name=value`."""

    def validate(self, found: findings.Findings) -> None:
        """A module has a name."""
        found.require(self.name, "name")

    @classmethod
    def example(cls) -> KernelModuleConfig:
        """A disk cache."""
        return cls(name="zfs", parameters=("zfs_arc_max=8589934592",))
