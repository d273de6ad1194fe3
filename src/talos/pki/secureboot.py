"""Secrets of Secure Boot: the key boot assets are signed with, the key of PCR policies, and databases firmware enrols.

A database is what is written to the variables PK, KEK and db: a list of certificates (EFI_SIGNATURE_LIST) behind a
signature over it (EFI_VARIABLE_AUTHENTICATION_2). Layouts: UEFI specification 2.10, sections 8.2.2 and 32.4.1.
"""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from talos.base import errors
from talos.pki import x509

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

BITS = 2048
LIFETIME = datetime.timedelta(days=3650)
_GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
_SECURITY = uuid.UUID("d719b2cb-3d44-4596-a3bc-dad00e67656f")
VARIABLES = {"PK": _GLOBAL, "KEK": _GLOBAL, "db": _SECURITY}
_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
_PKCS7 = uuid.UUID("4aafd29d-68df-49ee-8aa9-347d375665a7")
# Kept over reboots, for boot services and the running system, written with a time that only goes forward.
_ATTRIBUTES = 0x01 | 0x02 | 0x04 | 0x20
_REVISION, _CERTIFICATE_TYPE = 0x0200, 0x0EF1


class Signing(NamedTuple):
    """A key with its certificate, in the forms signers and firmware want."""

    key_pem: bytes
    certificate_pem: bytes
    certificate_der: bytes


def new_signing(common_name: str) -> Signing:
    """Make the key boot assets are signed with, and a certificate of its own for ten years."""
    from cryptography.hazmat.primitives import serialization

    made = x509.Authority.new(x509.new_rsa_key(BITS), common_name=common_name, lifetime=LIFETIME)
    der = made.certificate.public_bytes(serialization.Encoding.DER)
    return Signing(made.key_pem, made.crt_pem, der)


def new_pcr_key() -> bytes:
    """Make the key that signs policies of TPM registers, PEM."""
    return x509.encode_key(x509.new_rsa_key(BITS))


def signature_list(certificates: Sequence[bytes], owner: uuid.UUID) -> bytes:
    """Certificates (DER) as signature lists, one each: only those of one size may share one."""
    found = b""
    for der in certificates:
        size = 16 + len(der)
        found += _X509.bytes_le + struct.pack("<III", 28 + size, 0, size) + owner.bytes_le + der
    return found


def _time(moment: datetime.datetime) -> bytes:
    at = moment.astimezone(datetime.UTC)
    return struct.pack("<HBBBBBxIhBx", at.year, at.month, at.day, at.hour, at.minute, at.second, 0, 0, 0)


def _signed_data(content_info: bytes) -> bytes:
    """What is inside a PKCS #7 ContentInfo: firmware expects it bare."""

    def inside(der: bytes, at: int) -> tuple[int, int]:
        length, start = der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(der[start : start + count]), start + count
        return start, start + length

    start, _ = inside(content_info, 0)
    _, after_type = inside(content_info, start)
    start, end = inside(content_info, after_type)
    return content_info[start:end]


def authenticated(name: str, payload: bytes, certificate: Certificate, key: Any, *, moment: datetime.datetime) -> bytes:
    """Return `payload` for variable `name`, signed: what `efi-updatevar -f` and systemd-boot take."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.serialization import pkcs7

    stamp = _time(moment)
    signed = name.encode("utf-16-le") + VARIABLES[name].bytes_le + struct.pack("<I", _ATTRIBUTES) + stamp + payload
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.NoAttributes, pkcs7.PKCS7Options.Binary]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(signed).add_signer(certificate, key, hashes.SHA256())
    signature = _signed_data(builder.sign(serialization.Encoding.DER, options))
    head = struct.pack("<IHH", 24 + len(signature), _REVISION, _CERTIFICATE_TYPE) + _PKCS7.bytes_le
    return stamp + head + signature + payload


def database(
    enrolled_pem: bytes, signing: x509.KeyPair, *, moment: datetime.datetime | None = None
) -> dict[str, bytes]:
    """Return the contents of `PK.auth`, `KEK.auth` and `db.auth`. Raises Invalid.

    The first certificate is enrolled as all three: whoever holds its key may sign boot assets and change the databases.
    Those of others that follow it may sign boot assets.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    authority = x509.Authority.load(signing.crt, signing.key)
    if not isinstance(authority.key, rsa.RSAPrivateKey):
        raise errors.Invalid("databases of firmware are signed with RSA keys")
    ders = [one.public_bytes(serialization.Encoding.DER) for one in x509.load_certificates(enrolled_pem)]
    # The owner only tells entries apart; derived, so that the same input gives the same databases.
    owner = uuid.uuid5(uuid.NAMESPACE_OID, ders[0].hex())
    when = moment or datetime.datetime.now(datetime.UTC)

    def made(name: str) -> bytes:
        payload = signature_list(ders if name == "db" else ders[:1], owner)
        return authenticated(name, payload, authority.certificate, authority.key, moment=when)

    return {name: made(name) for name in VARIABLES}
