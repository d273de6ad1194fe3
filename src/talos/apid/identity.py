"""Who is calling: roles from the client certificate, and the rule on its purposes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from talos.base import errors
from talos.machinery.rpc import server as rpc

IMPERSONATOR = "os:impersonator"
READER = "os:reader"
ROLE_KEY = "talos-role"
# DER of the extension "extended key usage" (2.5.29.37) whose only purpose is clientAuth, without and with `critical`.
_PURPOSE = bytes.fromhex("300a06082b06010505070302")
_EXTENSION = bytes.fromhex("0603551d25")
_CLIENT_ONLY = (
    _EXTENSION + b"\x04\x0c" + _PURPOSE,
    _EXTENSION + b"\x01\x01\xff\x04\x0c" + _PURPOSE,
)


def check_purpose(certificate: bytes) -> None:
    """Raise Denied unless the certificate (DER) is for clients and for nothing else."""
    if not any(form in certificate for form in _CLIENT_ONLY):
        raise errors.Denied("client certificate must have exactly one extended key usage: client authentication")


def organizations(tls: Any) -> list[str]:
    """O values of the peer's leaf certificate, in order, empty ones left out. `tls` is an ssl.SSLObject."""
    subject: Iterable[Iterable[tuple[str, str]]] = (tls.getpeercert() or {}).get("subject", ())
    return [value for part in subject for key, value in part if key == "organizationName" and value]


def roles(call: rpc.Call) -> frozenset[str]:
    """Roles of the caller: the certificate's, or for another node's apid those it passes on."""
    own = frozenset(organizations(call.peer.tls))
    passed = frozenset(call.metadata.get(ROLE_KEY, ()))
    return passed if IMPERSONATOR in own and passed else own
