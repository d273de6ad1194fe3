"""Document HCloudVIPConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class HCloudVIPConfig(document.Document, frozen=True, kw_only=True):
    """HCloud vIPConfig."""

    kind: ClassVar[str] = "HCloudVIPConfig"
    named: ClassVar[bool] = True

    name: str = ""
    link: str = ""
    api_token: str = msgspec.field(default="", name="apiToken")
