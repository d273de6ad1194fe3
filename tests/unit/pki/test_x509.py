"""Certificates: algorithms, subjects, usages and lifetimes; requests and their refusal."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509 as lib
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from talos.base import errors
from talos.pki import bundle, x509


@pytest.fixture(scope="module")
def authority() -> x509.Authority:
    return x509.Authority.new(x509.new_ed25519_key(), organizations=["talos"])


@pytest.mark.feature("G068", "M008")
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
    key = x509.load_key(made.service_account)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 4096


@pytest.mark.feature("G071")
def test_admin_certificate_is_for_clients_only_and_carries_one_o_per_role() -> None:
    pair = bundle.admin_certificate(bundle.generate(), ("os:reader", "os:etcd:backup"))
    certificate = x509.load_certificates(pair.crt)[0]
    organizations = certificate.subject.get_attributes_for_oid(lib.NameOID.ORGANIZATION_NAME)
    assert [o.value for o in organizations] == ["os:reader", "os:etcd:backup"]
    usage = certificate.extensions.get_extension_for_class(lib.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
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
