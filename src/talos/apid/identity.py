"""Who is calling: roles from the client certificate, and the rule on its purposes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from talos.apid import _purpose
from talos.base import errors
from talos.machinery.rpc import server as rpc

IMPERSONATOR = "os:impersonator"
READER = "os:reader"
MAINTENANCE = frozenset({READER, "os:meta:writer"})
"""Roles of everybody while the machine has no configuration: to look, and to prepare it."""
ROLE_KEY = "talos-role"


def check_purpose(certificate: bytes) -> None:
    """Raise Denied unless the certificate (DER) is for clients and for nothing else."""
    try:
        found = _purpose.purposes(certificate)
    except ValueError:
        found = []
    if found != [_purpose.CLIENT]:
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
