"""Document PCIDriverRebindConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class PCIDriverRebindConfig(document.Document, frozen=True, kw_only=True):
    """PCIDriver rebind config."""

    kind: ClassVar[str] = "PCIDriverRebindConfig"
    named: ClassVar[bool] = True

    name: str = ""
    target_driver: str = msgspec.field(default="", name="targetDriver")
