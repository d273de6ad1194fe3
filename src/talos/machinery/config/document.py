"""What all config documents have in common."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.base import errors


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the documents with apiVersion and kind.

    `named` documents may occur once per name, others once. `legacy_fields` are the v1alpha1 paths the document
    replaces: setting both is an error.
    """

    kind: ClassVar[str] = ""
    api_version: ClassVar[str] = "v1alpha1"
    named: ClassVar[bool] = False
    control_plane_only: ClassVar[bool] = False
    legacy_fields: ClassVar[tuple[str, ...]] = ()

    def validate(self) -> list[errors.Problem]:
        """Return what is wrong beyond types; nothing here unless a kind says more."""
        return []

    @property
    def title(self) -> str:
        """`KubeletConfig`, or `VLANConfig/eth0.100` for a named one."""
        name = getattr(self, "name", "") if self.named else ""
        return f"{self.kind}/{name}" if name else self.kind
