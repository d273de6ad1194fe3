"""PEM texts in resources; base64 in YAML, messages common.PEMEncoded* on the wire."""

from __future__ import annotations

import msgspec


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate."""

    crt: bytes = b""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A private key."""

    key: bytes = b""


class CertificateAndKey(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate and its private key."""

    crt: bytes = b""
    key: bytes = b""
