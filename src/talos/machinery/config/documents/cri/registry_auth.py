"""Document RegistryAuthConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class RegistryAuthConfig(document.Document, frozen=True, kw_only=True):
    """Registry auth config."""

    kind: ClassVar[str] = "RegistryAuthConfig"
    named: ClassVar[bool] = True

    name: str = ""
    username: str = ""
    password: str = ""
    auth: str = ""
    identity_token: str = msgspec.field(default="", name="identityToken")
