"""Certificates that are renewed at half of their life and otherwise left alone.

A new certificate means a new version of a resource, files written anew and pods restarted. So an existing one is kept
as long as it says what is wanted, is signed by the authority in use, and has more than half of its life before it. That
holds for those an earlier machined wrote, too: the files it left are read back.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from talos.base import errors
from talos.k8s import kubeconfig
from talos.machinery.types import pem
from talos.pki import x509

YEAR = datetime.timedelta(days=365)


def left_behind(directory: Path, name: str) -> pem.CertificateAndKey | None:
    """Return the pair an earlier machined wrote as `<name>.crt` and `<name>.key`, if both can be read."""
    try:
        return pem.CertificateAndKey(
            crt=(directory / f"{name}.crt").read_bytes(), key=(directory / f"{name}.key").read_bytes()
        )
    except OSError:
        return None


def left_in_kubeconfig(path: Path) -> pem.CertificateAndKey | None:
    """Return the client pair of a kubeconfig an earlier machined wrote, if there is one."""
    try:
        user = kubeconfig.current(path.read_text()).user
        return pem.CertificateAndKey(
            crt=base64.b64decode(user["client-certificate-data"]), key=base64.b64decode(user["client-key-data"])
        )
    except (OSError, errors.Invalid, KeyError, ValueError):
        return None


def authority(pair: pem.CertificateAndKey | None, name: str) -> x509.Authority:
    """Return the authority of a config. Raises NotReady when it is missing, Invalid when it is none."""
    if pair is None or not pair.crt or not pair.key:
        raise errors.NotReady(f"the configuration has no {name}")
    return x509.Authority.load(pair.crt, pair.key)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def says(certificate: object, subject: x509.Subject) -> bool:
    from cryptography import x509 as crypto

    assert isinstance(certificate, crypto.Certificate)
    if certificate.subject != subject.name():
        return False
    try:
        names = certificate.extensions.get_extension_for_class(crypto.SubjectAlternativeName).value
        dns = set(names.get_values_for_type(crypto.DNSName))
        addresses = {str(a) for a in names.get_values_for_type(crypto.IPAddress)}
    except crypto.ExtensionNotFound:
        dns, addresses = set(), set()
    return dns == set(subject.dns_names) and addresses == set(subject.addresses)


@dataclass
class Issuer:
    """Issues or keeps certificates of one authority and remembers when the first one is due for renewal."""

    authority: x509.Authority
    lifetime: datetime.timedelta = YEAR
    due: list[datetime.datetime] = field(default_factory=list)

    def pair(
        self, found: pem.CertificateAndKey | None, subject: x509.Subject, usage: x509.Usage
    ) -> pem.CertificateAndKey:
        """Return `found` if it will do, else a new pair."""
        if found is not None and self._keeps(found, subject):
            return found
        issued = self.authority.issue(subject, usage, lifetime=self.lifetime)
        self._remember(issued.crt)
        return pem.CertificateAndKey(crt=issued.crt, key=issued.key)

    def _keeps(self, found: pem.CertificateAndKey, subject: x509.Subject) -> bool:
        try:
            certificate = x509.load_certificates(found.crt)[0]
            certificate.verify_directly_issued_by(self.authority.certificate)
        except Exception:
            # A certificate that is broken or of another authority is replaced, whatever is wrong with it.
            return False
        if not says(certificate, subject) or _middle(certificate) <= _now():
            return False
        self._remember(found.crt)
        return True

    def _remember(self, crt: bytes) -> None:
        self.due.append(_middle(x509.load_certificates(crt)[0]))

    def renew_in_s(self) -> float:
        """Return seconds until the first certificate is due, at least a minute."""
        return max(60.0, (min(self.due) - _now()).total_seconds()) if self.due else 3600.0


def _middle(certificate: object) -> datetime.datetime:
    from cryptography import x509 as crypto

    assert isinstance(certificate, crypto.Certificate)
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) / 2


def split_names(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split alternative names into (DNS names, addresses), without empty ones and doubles, in order."""
    dns: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for name in names:
        if not name:
            continue
        try:
            addresses[str(ipaddress.ip_address(name))] = None
        except ValueError:
            dns[name] = None
    return list(dns), list(addresses)
