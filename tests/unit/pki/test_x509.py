"""Certificates: algorithms, subjects, usages and lifetimes; requests and their refusal."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import subprocess
from pathlib import Path

import hypothesis
import pytest
from cryptography import x509 as lib
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import strategies

from talos.base import errors
from talos.pki import bundle, x509


@pytest.fixture(scope="module")
def authority() -> x509.Authority:
    return x509.Authority.new(x509.new_ed25519_key(), organizations=["talos"])


def purposes(certificate: lib.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(lib.KeyUsage)
    assert found.critical
    names = ("digital_signature", "key_encipherment", "key_cert_sign", "crl_sign", "content_commitment")
    return [name for name in names if getattr(found.value, name)]


@pytest.mark.feature("F023")
def test_authorities_of_a_cluster() -> None:
    made = bundle.generate()
    expected = {
        "os": (ed25519.Ed25519PublicKey, "O=talos"),
        "k8s": (ec.EllipticCurvePublicKey, "O=kubernetes"),
        "etcd": (ec.EllipticCurvePublicKey, "O=etcd"),
        "aggregator": (ec.EllipticCurvePublicKey, ""),
    }
    for name, (kind, subject) in expected.items():
        found = x509.Authority.load(getattr(made, name).crt, getattr(made, name).key)
        certificate = found.certificate
        assert isinstance(certificate.public_key(), kind)
        assert certificate.subject.rfc4514_string() == subject
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == datetime.timedelta(hours=87600)
        assert certificate.extensions.get_extension_for_class(lib.BasicConstraints).value.ca
        assert purposes(certificate) == ["digital_signature", "key_cert_sign"]
    key = x509.load_key(made.service_account)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 4096


@pytest.mark.feature("G069")
def test_admin_certificate_is_for_clients_only_and_carries_one_o_per_role() -> None:
    pair = bundle.admin_certificate(bundle.generate(), ("os:reader", "os:etcd:backup"))
    certificate = x509.load_certificates(pair.crt)[0]
    organizations = certificate.subject.get_attributes_for_oid(lib.NameOID.ORGANIZATION_NAME)
    assert [o.value for o in organizations] == ["os:reader", "os:etcd:backup"]
    usage = certificate.extensions.get_extension_for_class(lib.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert purposes(certificate) == ["digital_signature"]
    assert certificate.subject.get_attributes_for_oid(lib.NameOID.COMMON_NAME) == []
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=8759) < left <= datetime.timedelta(hours=8760)
    assert b"ED25519 PRIVATE KEY" in pair.key


def test_key_labels_round_trip() -> None:
    for key, label in (
        (x509.new_ed25519_key(), b"ED25519 PRIVATE KEY"),
        (x509.new_ecdsa_key(), b"EC PRIVATE KEY"),
        (x509.new_rsa_key(2048), b"RSA PRIVATE KEY"),
    ):
        text = x509.encode_key(key)
        assert text.startswith(b"-----BEGIN " + label)
        assert x509.encode_key(x509.load_key(text)) == text


@pytest.mark.feature("C006")
def test_signed_request_loses_organization_and_serves_only(authority: x509.Authority) -> None:
    key = x509.new_ed25519_key()
    subject = x509.Subject("node", ("os:admin",), ("node",), ("10.5.0.3",))
    request = x509.load_request(x509.make_request(key, subject))
    signed = x509.load_certificates(authority.sign_request(request, x509.SERVER, lifetime=x509.SERVER_LIFETIME))[0]
    assert signed.subject.rfc4514_string() == "CN=node"
    assert list(signed.extensions.get_extension_for_class(lib.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert purposes(signed) == ["digital_signature"]
    left = signed.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(hours=23) < left <= datetime.timedelta(hours=24)
    assert not signed.extensions.get_extension_for_class(lib.BasicConstraints).value.ca


@pytest.mark.feature("C007")
@pytest.mark.parametrize(
    "text", [b"", b"hello", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"]
)
def test_bad_requests_are_invalid(text: bytes) -> None:
    with pytest.raises(errors.Invalid):
        x509.load_request(text)


def test_request_with_a_broken_signature_is_invalid() -> None:
    text = x509.make_request(x509.new_ed25519_key(), x509.Subject("a"))
    _, der = x509.pem_blocks(text)[0]
    broken = x509.pem_encode("CERTIFICATE REQUEST", der[:-1] + bytes([der[-1] ^ 1]))
    with pytest.raises(errors.Invalid, match="not signed by its own key"):
        x509.load_request(broken)


def test_foreign_key_is_refused(authority: x509.Authority) -> None:
    with pytest.raises(errors.Invalid, match="does not belong"):
        x509.Authority.load(authority.crt_pem, x509.encode_key(x509.new_ed25519_key()))


def test_no_certificate_outlives_its_authority() -> None:
    short = x509.Authority.new(x509.new_ecdsa_key(), lifetime=datetime.timedelta(hours=1))
    pair = short.issue(x509.Subject("x"), x509.SERVER, lifetime=x509.CLIENT_LIFETIME)
    assert x509.load_certificates(pair.crt)[0].not_valid_after_utc == short.certificate.not_valid_after_utc


def test_openssl_accepts_the_chain(authority: x509.Authority, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is part of the set-up"
    pair = authority.issue(x509.Subject("n", (), ("n",)), x509.SERVER, lifetime=x509.SERVER_LIFETIME)
    (tmp_path / "ca").write_bytes(authority.crt_pem)
    (tmp_path / "crt").write_bytes(pair.crt)
    done = subprocess.run(
        [openssl, "verify", "-CAfile", tmp_path / "ca", "-purpose", "sslserver", tmp_path / "crt"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.stdout.strip().endswith(": OK"), done.stderr


def test_standard_labels_and_bundles_are_read(authority: x509.Authority) -> None:
    from cryptography.hazmat.primitives import serialization

    key = x509.new_ecdsa_key()
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    assert text.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert x509.load_key(b"a comment\n" + text).public_key() == key.public_key()
    other = x509.Authority.new(key)
    both = x509.load_certificates(authority.crt_pem + b"between\n" + other.crt_pem)
    assert both == [authority.certificate, other.certificate]
    assert isinstance(x509.key_like_public(authority.crt_pem + other.crt_pem), ec.EllipticCurvePrivateKey)


def test_clocks_behind_accept_a_new_certificate() -> None:
    authority = x509.Authority.new(
        x509.new_ed25519_key(), not_before=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    )
    pair = authority.issue(x509.Subject("n"), x509.SERVER, lifetime=x509.SERVER_LIFETIME)
    start = x509.load_certificates(pair.crt)[0].not_valid_before_utc
    assert datetime.timedelta(minutes=4) < datetime.datetime.now(datetime.UTC) - start < datetime.timedelta(minutes=7)


def test_what_no_certificate_can_be_made_of_is_invalid(authority: x509.Authority) -> None:
    old = x509.Authority.new(
        x509.new_ed25519_key(),
        lifetime=datetime.timedelta(days=1),
        not_before=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2),
    )
    with pytest.raises(errors.Invalid, match="was valid until"):
        old.issue(x509.Subject("n"), x509.SERVER, lifetime=x509.SERVER_LIFETIME)
    with pytest.raises(errors.Invalid, match="a certificate can not"):
        authority.issue(x509.Subject(dns_names=("bücher.example",)), x509.SERVER, lifetime=x509.SERVER_LIFETIME)
    with pytest.raises(errors.Invalid, match=r"10\.5\.0"):
        x509.make_request(x509.new_ed25519_key(), x509.Subject(addresses=("10.5.0",)))
    with pytest.raises(errors.Invalid, match="some time"):
        x509.Authority.new(x509.new_ed25519_key(), lifetime=datetime.timedelta())


@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_names_of_hosts_may_be_long(authority: x509.Authority) -> None:
    name = ".".join(["n" * 60] * 4)
    request = x509.load_request(x509.make_request(x509.new_ed25519_key(), x509.Subject(name, dns_names=(name,))))
    signed = authority.sign_request(request, x509.SERVER, lifetime=x509.SERVER_LIFETIME)
    assert x509.load_certificates(signed)[0].subject.rfc4514_string() == f"CN={name}"


def test_request_for_other_kinds_of_names_is_invalid() -> None:
    from cryptography.hazmat.primitives import serialization

    mail = lib.SubjectAlternativeName([lib.RFC822Name("a@b.example")])
    builder = lib.CertificateSigningRequestBuilder().subject_name(lib.Name([])).add_extension(mail, critical=False)
    text = builder.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(errors.Invalid, match="other than DNS and IP"):
        x509.load_request(text)


KEY = x509.new_ed25519_key()
REQUEST = x509.pem_blocks(x509.make_request(KEY, x509.Subject("n", ("o",), ("d.example",), ("10.1.1.1",))))[0][1]
CERTIFICATE = x509.pem_blocks(x509.Authority.new(KEY, addresses=("10.0.0.1",)).crt_pem)[0][1]
SECRET = x509.pem_blocks(x509.encode_key(KEY))[0][1]


@pytest.mark.filterwarnings("ignore")
@hypothesis.settings(deadline=None)
@hypothesis.given(
    strategies.sampled_from([REQUEST, CERTIFICATE, SECRET]),
    strategies.lists(strategies.tuples(strategies.integers(0, 400), strategies.integers(0, 255)), max_size=4),
)
def test_broken_input_raises_nothing_but_invalid(der: bytes, changes: list[tuple[int, int]]) -> None:
    broken = bytearray(der)
    for index, value in changes:
        broken[index % len(broken)] = value
    for label in ("CERTIFICATE REQUEST", "CERTIFICATE", "ED25519 PRIVATE KEY"):
        text = x509.pem_encode(label, bytes(broken))
        with contextlib.suppress(errors.Invalid):
            x509.load_request(text)
        with contextlib.suppress(errors.Invalid):
            x509.load_certificates(text)
        with contextlib.suppress(errors.Invalid):
            x509.load_key(text)
        with contextlib.suppress(errors.Invalid):
            x509.Authority.load(text, x509.encode_key(KEY))


@hypothesis.given(strategies.binary(max_size=200))
def test_any_bytes_raise_nothing_but_invalid(text: bytes) -> None:
    for load in (x509.load_request, x509.load_certificates, x509.load_key, x509.pem_blocks):
        with contextlib.suppress(errors.Invalid):
            load(text)
