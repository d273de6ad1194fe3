"""Document ExtensionServiceConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class ConfigFileList(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExtensionServiceConfig."""

    content: str = ""
    mount_path: str = msgspec.field(default="", name="mountPath")


class ExtensionServiceConfig(document.Document, frozen=True, kw_only=True):
    """Extension service config."""

    kind: ClassVar[str] = "ExtensionServiceConfig"
    named: ClassVar[bool] = True

    name: str = ""
    config_files: tuple[ConfigFileList, ...] = msgspec.field(default=(), name="configFiles")
    environment: tuple[str, ...] = ()
