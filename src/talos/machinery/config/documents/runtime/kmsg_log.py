"""Document KmsgLogConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class KmsgLogConfig(document.Document, frozen=True, kw_only=True):
    """Kmsg log config."""

    kind: ClassVar[str] = "KmsgLogConfig"
    named: ClassVar[bool] = True

    name: str = ""
    url: str = ""
