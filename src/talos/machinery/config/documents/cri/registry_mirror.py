"""Document RegistryMirrorConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class RegistryEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Section of RegistryMirrorConfig."""

    url: str = ""
    override_path: bool | None = msgspec.field(default=None, name="overridePath")


class RegistryMirrorConfig(document.Document, frozen=True, kw_only=True):
    """Registry mirror config."""

    kind: ClassVar[str] = "RegistryMirrorConfig"
    named: ClassVar[bool] = True

    name: str = ""
    endpoints: tuple[RegistryEndpoint, ...] = ()
    skip_fallback: bool | None = msgspec.field(default=None, name="skipFallback")
