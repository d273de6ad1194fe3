"""Resource type ExtensionServiceConfigs.runtime.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class ExtensionServiceConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file shown to an extension service."""

    content: str = ""
    mount_path: str = msgspec.field(default="", name="mountPath")


class ExtensionServiceConfig(resource.Resource["ExtensionServiceConfig.Spec"]):
    """Files and environment of an extension service."""

    definition = resource.Definition(
        type="ExtensionServiceConfigs.runtime.talos.dev",
        namespace="runtime",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.runtime.ExtensionServiceConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"files", "environment"})

        files: tuple[ExtensionServiceConfigFile, ...] = ()
        environment: tuple[str, ...] = ()
