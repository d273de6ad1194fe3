"""Document ExtensionServiceConfig: settings of a service that came with a system extension."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class ConfigFile(document.Section, frozen=True, kw_only=True):
    """A file the service finds in its container."""

    content: Annotated[str, values.ALWAYS] = ""
    """Text of the file."""
    mount_path: Annotated[str, values.ALWAYS] = ""
    """Where the service looks for it."""

    def merges_with(self, other: document.Section) -> bool:
        """Files have paths."""
        return isinstance(other, ConfigFile) and self.mount_path == other.mount_path


class ExtensionServiceConfig(document.Document, frozen=True, kw_only=True):
    """Files and environment of an extension's service."""

    kind: ClassVar[str] = "ExtensionServiceConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name of the service, without `ext-`."""
    config_files: tuple[ConfigFile, ...] = ()
    """Files."""
    environment: tuple[str, ...] = ()
    """Variables, `NAME=value`."""

    def validate(self, found: findings.Findings) -> None:
        """The document says something, and files have a path and a text."""
        found.require(self.name, "name")
        if not self.config_files and not self.environment:
            found.error("", "neither configFiles nor environment is given")
        for n, file in enumerate(self.config_files):
            found.require(file.content, f"configFiles[{n}].content")
            found.require(file.mount_path, f"configFiles[{n}].mountPath")

    @classmethod
    def example(cls) -> ExtensionServiceConfig:
        """An UPS monitor."""
        file = ConfigFile(
            content="MONITOR ups@host 1 user pass secondary\n", mount_path="/usr/local/etc/nut/upsmon.conf"
        )
        return cls(name="nut-client", config_files=(file,), environment=("NUT_UPS=ups",))
