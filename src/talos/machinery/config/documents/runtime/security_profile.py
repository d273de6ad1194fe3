"""Document SecurityProfileConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class SecurityProfileConfig(document.Document, frozen=True, kw_only=True):
    """Security profile config."""

    kind: ClassVar[str] = "SecurityProfileConfig"

    workload_isolation: bool | None = msgspec.field(default=None, name="workloadIsolation")
