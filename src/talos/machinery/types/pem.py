"""PEM texts in resources and configurations: base64 in YAML, messages common.PEMEncoded* on the wire."""

from __future__ import annotations

import base64
from typing import Any

import msgspec


class _Pem(msgspec.Struct, frozen=True, kw_only=True):
    def as_yaml(self, plain: dict[str, Any]) -> Any:
        """Every field as base64."""
        return type(plain)((name, base64.b64encode(bytes(value)).decode()) for name, value in plain.items())


class Certificate(_Pem, frozen=True, kw_only=True):
    """A certificate."""

    crt: bytes = b""


class Key(_Pem, frozen=True, kw_only=True):
    """A private key."""

    key: bytes = b""


class CertificateAndKey(_Pem, frozen=True, kw_only=True):
    """A certificate and its private key."""

    crt: bytes = b""
    key: bytes = b""
