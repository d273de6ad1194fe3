"""Document UdevRulesConfig: rules of the device manager."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class UdevRulesConfig(document.Document, frozen=True, kw_only=True):
    """Rules added to those of the system."""

    kind: ClassVar[str] = "UdevRulesConfig"

    rules: tuple[str, ...] = ()
    """Rules in the format of udev, one a line."""

    @classmethod
    def example(cls) -> UdevRulesConfig:
        """A graphics card for a group."""
        return cls(rules=('SUBSYSTEM=="drm", KERNEL=="renderD*", GROUP="44", MODE="0660"',))
