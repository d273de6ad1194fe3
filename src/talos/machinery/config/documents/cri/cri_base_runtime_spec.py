"""Document CRIBaseRuntimeSpecConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class CRIBaseRuntimeSpecConfig(document.Document, frozen=True, kw_only=True):
    """CRIBase runtime spec config."""

    kind: ClassVar[str] = "CRIBaseRuntimeSpecConfig"

    overrides: dict[str, Any] | None = None
