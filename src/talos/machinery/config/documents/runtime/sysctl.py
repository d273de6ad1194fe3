"""Document SysctlConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class SysctlConfig(document.Document, frozen=True, kw_only=True):
    """Sysctl config."""

    kind: ClassVar[str] = "SysctlConfig"

    params: dict[str, str] = msgspec.field(default_factory=dict)
