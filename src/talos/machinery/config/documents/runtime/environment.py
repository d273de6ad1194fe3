"""Document EnvironmentConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class EnvironmentConfig(document.Document, frozen=True, kw_only=True):
    """Environment config."""

    kind: ClassVar[str] = "EnvironmentConfig"

    variables: dict[str, str] = msgspec.field(default_factory=dict)
