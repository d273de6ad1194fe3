"""What trustd signs: pure rules over a request, tested as a table.

A machine that joins may have a server certificate for its own names, nothing more. The machine token proves that it may
join, not who it is; so the addresses it asks for must be its own. Known to trustd are the address the request comes
from and the members of the cluster: an address that belongs to another member is refused, unless the request comes from
an address of that same member. (The original checks purposes only; its nodes ask for their own addresses, and pass.)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from talos.base import errors
from talos.pki import x509


@dataclass(frozen=True, slots=True)
class Known:
    """One member of the cluster: its names and addresses."""

    names: frozenset[str]
    addresses: frozenset[str]


def check_token(presented: str, token: str) -> bool:
    """Compare tokens in constant time, whatever their lengths."""
    digests = (hashlib.sha256(t.encode()).digest() for t in (presented, token))
    return bool(token) and hmac.compare_digest(*digests)


def check_request(request: x509.Request, peer: str, members: Sequence[Known]) -> None:
    """Raise Denied for a request that asks for more than a server certificate of the caller's own names."""
    if request.ca:
        raise errors.Denied("a certificate authority is not signed here")
    if request.client:
        raise errors.Denied("client certificates are not signed here")
    others = [m for m in members if peer not in m.addresses]
    for address in request.subject.addresses:
        if any(address in m.addresses for m in others):
            raise errors.Denied(f"address {address} belongs to another node")
    names = {*request.subject.dns_names, request.subject.common_name} - {""}
    for name in names:
        if any(name in m.names for m in others):
            raise errors.Denied(f"name {name} belongs to another node")


def subject(request: x509.Request) -> x509.Subject:
    """Subject of the certificate: organizations would be roles, so they are dropped."""
    return request.subject._replace(organizations=())
