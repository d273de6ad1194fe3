"""Certificate authorities, certificates and requests as the original makes them.

Keys are Ed25519 for the Talos API, ECDSA P-256 for Kubernetes and etcd, RSA where asked. PEM labels are the original's:
an Ed25519 key is PKCS#8 DER under the non-standard label `ED25519 PRIVATE KEY`. `cryptography` is imported when first
needed: it costs 43 ms, and most commands of talosctl never touch a key.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import ipaddress
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from talos.base import errors

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as PrivateKey

CA_LIFETIME = datetime.timedelta(hours=87600)
CLIENT_LIFETIME = datetime.timedelta(hours=8760)
SERVER_LIFETIME = datetime.timedelta(hours=24)
# Clocks of nodes that have not synchronised yet may be behind.
BACKDATE = datetime.timedelta(minutes=5)

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n(.*?)-----END \1-----", re.DOTALL)
_KEY_LABELS = (b"ED25519 PRIVATE KEY", b"EC PRIVATE KEY", b"RSA PRIVATE KEY", b"PRIVATE KEY")


def pem_encode(label: str, der: bytes) -> bytes:
    """Return DER as PEM under any label."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()


def pem_blocks(text: bytes) -> list[tuple[str, bytes]]:
    """Return (label, DER) of every PEM block. Raises Invalid for broken base64."""
    blocks = []
    for label, body in _PEM.findall(text):
        try:
            blocks.append((label.decode(), base64.b64decode(b"".join(body.split()), validate=True)))
        except ValueError as error:
            raise errors.Invalid(f"PEM block {label.decode()} is not base64") from error
    return blocks


@contextlib.contextmanager
def _parsing(what: str) -> Iterator[None]:
    """Turn what the library raises for broken input into Invalid."""
    from cryptography import exceptions, x509

    broken = (
        ValueError, TypeError, exceptions.UnsupportedAlgorithm, exceptions.InternalError,
        x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
    )  # fmt: skip
    with warnings.catch_warnings():
        # It warns of names longer than the standard allows, which names of hosts may be.
        warnings.simplefilter("ignore")
        try:
            yield
        except broken as error:
            raise errors.Invalid(f"{what}: {error}") from error


# Keys --


def new_ed25519_key() -> PrivateKey:
    """Make an Ed25519 key."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ed25519.Ed25519PrivateKey.generate()


def new_ecdsa_key() -> PrivateKey:
    """Make an ECDSA P-256 key."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def new_rsa_key(bits: int = 4096) -> PrivateKey:
    """Make an RSA key."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def key_like(key: PrivateKey) -> PrivateKey:
    """Make a key of the same type as `key`."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return new_ed25519_key()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return new_ecdsa_key()
    if isinstance(key, rsa.RSAPrivateKey):
        return new_rsa_key(key.key_size)
    raise errors.Invalid(f"keys of type {type(key).__name__} are not supported")


def key_like_public(certificate_pem: bytes) -> PrivateKey:
    """Make a key of the type the (last) certificate of a PEM bundle has."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    public = load_certificates(certificate_pem)[-1].public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        return new_ecdsa_key()
    if isinstance(public, rsa.RSAPublicKey):
        return new_rsa_key(public.key_size)
    return new_ed25519_key()


def encode_key(key: PrivateKey) -> bytes:
    """Return a private key as PEM, labelled by its type."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    plain = serialization.NoEncryption()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain)
        return pem_encode("ED25519 PRIVATE KEY", der)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)


def public_key_pem(private_pem: bytes) -> bytes:
    """Return the public half of a PEM private key (SubjectPublicKeyInfo); a public key is returned as it is."""
    from cryptography.hazmat.primitives import serialization

    if any(label == "PUBLIC KEY" for label, _ in pem_blocks(private_pem)):
        return private_pem
    return (
        load_key(private_pem, trusted=True)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def load_key(text: bytes, *, trusted: bool = False) -> PrivateKey:
    """Parse a PEM private key under any label the original takes. Raises Invalid.

    `trusted` spares an RSA key the test of its primes (0.2 s), for keys from files that are the person's own secrets.
    """
    from cryptography.hazmat.primitives import serialization

    for label, der in pem_blocks(text):
        if label.encode() not in _KEY_LABELS:
            continue
        standard = "PRIVATE KEY" if label == "ED25519 PRIVATE KEY" else label
        with _parsing("private key can not be parsed"):
            key: Any = serialization.load_pem_private_key(
                pem_encode(standard, der), password=None, unsafe_skip_rsa_key_validation=trusted
            )
        loaded: PrivateKey = key
        return loaded
    raise errors.Invalid("no private key found, expected PEM with one of " + ", ".join(x.decode() for x in _KEY_LABELS))


# Certificates --


def load_certificates(text: bytes) -> list[x509.Certificate]:
    """Parse every certificate of a PEM bundle. Raises Invalid when there is none or one is broken."""
    from cryptography import x509

    found = []
    for label, der in pem_blocks(text):
        if label != "CERTIFICATE":
            continue
        with _parsing("certificate can not be parsed"):
            found.append(x509.load_der_x509_certificate(der))
    if not found:
        raise errors.Invalid("no certificate found, expected PEM with CERTIFICATE")
    return found


def encode_certificate(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)


def spki_fingerprint(certificate_der: bytes) -> str:
    """Return base64(SHA-256(SubjectPublicKeyInfo)): how clients pin a server in maintenance mode."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    public = x509.load_der_x509_certificate(certificate_der).public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


class Subject(NamedTuple):
    """Name and alternative names a certificate is for. `organizations` are the O values, in order."""

    common_name: str = ""
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def name(self) -> x509.Name:
        """X.509 form of the subject. Raises Invalid."""
        from cryptography import x509
        from cryptography.x509.oid import NameOID

        with _parsing("a certificate can not have this subject"):
            # Not validated: see above.
            parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o, _validate=False) for o in self.organizations]
            if self.common_name:
                parts.append(x509.NameAttribute(NameOID.COMMON_NAME, self.common_name, _validate=False))
        return x509.Name([x509.RelativeDistinguishedName([p]) for p in parts])

    def alternative_names(self) -> x509.SubjectAlternativeName | None:
        """X.509 form of the alternative names, None without any. Raises Invalid."""
        from cryptography import x509

        with _parsing("a certificate can not be for this name"):
            names: list[x509.GeneralName] = [x509.DNSName(n) for n in self.dns_names]
            names += [x509.IPAddress(ipaddress.ip_address(a)) for a in self.addresses]
        return x509.SubjectAlternativeName(names) if names else None


class Usage(NamedTuple):
    """What a certificate may be used for."""

    client: bool = False
    server: bool = False
    key_encipherment: bool = False


CLIENT = Usage(client=True)
SERVER = Usage(server=True)
BOTH = Usage(client=True, server=True)


class KeyPair(NamedTuple):
    """A certificate with its private key, both PEM."""

    crt: bytes
    key: bytes


def _algorithm(key: PrivateKey) -> Any:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _key_usage(*, signs_certificates: bool, key_encipherment: bool = False) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=key_encipherment,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _extended(usage: Usage) -> x509.ExtendedKeyUsage:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    wanted = [
        oid
        for oid, on in (
            (ExtendedKeyUsageOID.SERVER_AUTH, usage.server),
            (ExtendedKeyUsageOID.CLIENT_AUTH, usage.client),
        )
        if on
    ]
    return x509.ExtendedKeyUsage(wanted)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


class Authority:
    """A certificate authority: its certificate and key."""

    def __init__(self, certificate: x509.Certificate, key: PrivateKey) -> None:
        self.certificate = certificate
        self.key = key

    @classmethod
    def new(
        cls,
        key: PrivateKey,
        *,
        organizations: Sequence[str] = (),
        common_name: str = "",
        addresses: Sequence[str] = (),
        lifetime: datetime.timedelta = CA_LIFETIME,
        not_before: datetime.datetime | None = None,
    ) -> Authority:
        """Make a self-signed authority. Raises Invalid."""
        from cryptography import x509

        subject = Subject(common_name, tuple(organizations), (), tuple(addresses))
        name, names = subject.name(), subject.alternative_names()
        start = not_before or _now()
        if lifetime <= datetime.timedelta():
            raise errors.Invalid("an authority must be valid for some time")
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number() >> 32)
            .not_valid_before(start)
            .not_valid_after(start + lifetime)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(_extended(BOTH), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return cls(builder.sign(key, _algorithm(key)), key)

    @classmethod
    def load(cls, crt_pem: bytes, key_pem: bytes) -> Authority:
        """Parse an authority. Raises Invalid, also when the key is not the certificate's."""
        from cryptography.hazmat.primitives import serialization

        certificate, key = load_certificates(crt_pem)[0], load_key(key_pem)
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        with _parsing("certificate can not be parsed"):
            public, name = certificate.public_key().public_bytes(*form), certificate.subject
        if public != key.public_key().public_bytes(*form):
            raise errors.Invalid(f"the private key does not belong to the certificate {name.rfc4514_string()!r}")
        return cls(certificate, key)

    @property
    def crt_pem(self) -> bytes:
        """Certificate as PEM."""
        return encode_certificate(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """Private key as PEM."""
        return encode_key(self.key)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key as kubeadm writes it: `sha256:` and hex."""
        from cryptography.hazmat.primitives import serialization

        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"sha256:{hashlib.sha256(self.certificate.public_key().public_bytes(*form)).hexdigest()}"

    def pair(self) -> KeyPair:
        """Certificate and key as PEM."""
        return KeyPair(self.crt_pem, self.key_pem)

    def issue(
        self,
        subject: Subject,
        usage: Usage,
        *,
        lifetime: datetime.timedelta,
        key: PrivateKey | None = None,
    ) -> KeyPair:
        """Issue a certificate for a new key of this authority's type, or for `key`."""
        holder = key or key_like(self.key)
        certificate = self.sign(holder.public_key(), subject, usage, lifetime=lifetime)
        return KeyPair(encode_certificate(certificate), encode_key(holder))

    def sign(
        self, public_key: Any, subject: Subject, usage: Usage, *, lifetime: datetime.timedelta
    ) -> x509.Certificate:
        """Sign a public key for a subject. The certificate never outlives the authority. Raises Invalid."""
        from cryptography import x509

        start = max(_now() - BACKDATE, self.certificate.not_valid_before_utc)
        end = min(_now() + lifetime, self.certificate.not_valid_after_utc)
        if start >= end:
            until = self.certificate.not_valid_after_utc
            raise errors.Invalid(
                f"nothing can be signed: the authority was valid until {until}, or no time was asked for"
            )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject.name())
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number() >> 32)
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(_key_usage(signs_certificates=False, key_encipherment=usage.key_encipherment), critical=True)
            .add_extension(_extended(usage), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        names = subject.alternative_names()
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, _algorithm(self.key))

    def sign_request(
        self, request: Request, usage: Usage, *, lifetime: datetime.timedelta, keep_organization: bool = False
    ) -> bytes:
        """Sign a request's key for its names; organizations are dropped unless `keep_organization`. Returns PEM."""
        subject = request.subject
        if not keep_organization:
            subject = Subject(subject.common_name, (), subject.dns_names, subject.addresses)
        return encode_certificate(self.sign(request.public_key, subject, usage, lifetime=lifetime))


# Requests --


class Request(NamedTuple):
    """A parsed certificate request. `client`, `server`, `ca` tell what it asks for; None: it does not say."""

    subject: Subject
    public_key: Any
    client: bool | None = None
    server: bool | None = None
    ca: bool = False


def make_request(key: PrivateKey, subject: Subject) -> bytes:
    """Make a signed request, PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    builder = x509.CertificateSigningRequestBuilder().subject_name(subject.name())
    names = subject.alternative_names()
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, _algorithm(key)).public_bytes(serialization.Encoding.PEM)


def load_request(text: bytes) -> Request:
    """Parse a PEM request and check its signature. Raises Invalid."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    ders = [der for label, der in pem_blocks(text) if label in ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")]
    if not ders:
        raise errors.Invalid("no certificate request found, expected PEM with CERTIFICATE REQUEST")
    with _parsing("certificate request can not be parsed"):
        csr = x509.load_der_x509_csr(ders[0])
        public, valid = csr.public_key(), csr.is_signature_valid
        common = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        organizations = csr.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        extensions = csr.extensions
    if not valid:
        raise errors.Invalid("certificate request is not signed by its own key")
    dns_names, addresses = _alternative_names(extensions)
    client, server, ca = _asked_usage(extensions)
    subject = Subject(
        common_name=str(common[0].value) if common else "",
        organizations=tuple(str(o.value) for o in organizations),
        dns_names=dns_names,
        addresses=addresses,
    )
    return Request(subject, public, client, server, ca)


def _alternative_names(extensions: x509.Extensions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from cryptography import x509

    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    others = [n for n in names if not isinstance(n, x509.DNSName | x509.IPAddress)]
    if others:
        raise errors.Invalid(f"certificate request has alternative names other than DNS and IP: {others[0]}")
    dns = tuple(names.get_values_for_type(x509.DNSName))
    return dns, tuple(str(a) for a in names.get_values_for_type(x509.IPAddress))


def _asked_usage(extensions: x509.Extensions) -> tuple[bool | None, bool | None, bool]:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    client: bool | None = None
    server: bool | None = None
    ca = False
    try:
        asked = list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        client = ExtendedKeyUsageOID.CLIENT_AUTH in asked
        server = ExtendedKeyUsageOID.SERVER_AUTH in asked
    except x509.ExtensionNotFound:
        pass
    with contextlib.suppress(x509.ExtensionNotFound):
        ca = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    return client, server, ca
