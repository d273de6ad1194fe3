"""Document SysfsConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class SysfsConfig(document.Document, frozen=True, kw_only=True):
    """Sysfs config."""

    kind: ClassVar[str] = "SysfsConfig"

    params: dict[str, str] = msgspec.field(default_factory=dict)
