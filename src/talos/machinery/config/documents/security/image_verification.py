"""Document ImageVerificationConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class ImageKeylessVerifierV1Alpha1(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ImageVerificationConfig."""

    issuer: str = ""
    subject: str = ""
    subject_regex: str = msgspec.field(default="", name="subjectRegex")


class ImagePublicKeyVerifierV1Alpha1(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ImageVerificationConfig."""

    certificate: str = ""


class ImageVerificationRules(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ImageVerificationConfig."""

    image: str = ""
    skip: bool | None = None
    deny: bool | None = None
    keyless: ImageKeylessVerifierV1Alpha1 | None = None
    public_key: ImagePublicKeyVerifierV1Alpha1 | None = msgspec.field(default=None, name="publicKey")


class ImageVerificationConfig(document.Document, frozen=True, kw_only=True):
    """Image verification config."""

    kind: ClassVar[str] = "ImageVerificationConfig"

    rules: tuple[ImageVerificationRules, ...] = ()
