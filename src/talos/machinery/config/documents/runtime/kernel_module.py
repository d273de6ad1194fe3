"""Document KernelModuleConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class KernelModuleConfig(document.Document, frozen=True, kw_only=True):
    """Kernel module config."""

    kind: ClassVar[str] = "KernelModuleConfig"
    named: ClassVar[bool] = True

    name: str = ""
    parameters: tuple[str, ...] = ()
