"""Document EventSinkConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class EventSinkConfig(document.Document, frozen=True, kw_only=True):
    """Event sink config."""

    kind: ClassVar[str] = "EventSinkConfig"

    endpoint: str = ""
