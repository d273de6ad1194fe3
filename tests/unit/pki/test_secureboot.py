"""Databases for firmware, read back by the layouts of the specification."""

from __future__ import annotations

import datetime
import struct
import uuid
from pathlib import Path

import pytest
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from talos.base import errors
from talos.pki import secureboot, x509
from talos.talosctl import main

MOMENT = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
SIGNING = secureboot.new_signing("keys of a test")
PAIR = x509.KeyPair(SIGNING.certificate_pem, SIGNING.key_pem)


def lists(payload: bytes) -> list[bytes]:
    """Certificates of a payload."""
    found = []
    while payload:
        assert uuid.UUID(bytes_le=payload[:16]) == uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
        whole, head, size = struct.unpack_from("<III", payload, 16)
        assert (whole, head) == (28 + size, 0)
        found.append(payload[28 + 16 : whole])
        payload = payload[whole:]
    return found


@pytest.mark.feature("J025", "G075")
def test_databases_are_signed_as_firmware_wants_it() -> None:
    other = secureboot.new_signing("another vendor")
    made = secureboot.database(SIGNING.certificate_pem + other.certificate_pem, PAIR, moment=MOMENT)
    assert list(made) == ["PK", "KEK", "db"]
    for name, data in made.items():
        stamp = data[:16]
        assert stamp == struct.pack("<HBBBBBBIhBB", 2026, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0)
        length, revision, kind = struct.unpack_from("<IHH", data, 16)
        assert (revision, kind) == (0x0200, 0x0EF1)
        assert uuid.UUID(bytes_le=data[24:40]) == uuid.UUID("4aafd29d-68df-49ee-8aa9-347d375665a7")
        signature, payload = data[40 : 16 + length], data[16 + length :]
        # EDK II looks for the digest's identifier at this place of a bare SignedData.
        assert signature[13:22] == bytes.fromhex("608648016503040201")
        vendor = "d719b2cb-3d44-4596-a3bc-dad00e67656f" if name == "db" else "8be4df61-93ca-11d2-aa0d-00e098032b8c"
        signed = name.encode("utf-16-le") + uuid.UUID(vendor).bytes_le + struct.pack("<I", 0x27) + stamp + payload
        public = library.load_der_x509_certificate(SIGNING.certificate_der).public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        public.verify(signature[-256:], signed, padding.PKCS1v15(), hashes.SHA256())
        assert SIGNING.certificate_der in signature
        expected = [SIGNING.certificate_der] + ([other.certificate_der] if name == "db" else [])
        assert lists(payload) == expected


def test_only_rsa_keys_sign_databases() -> None:
    authority = x509.Authority.new(x509.new_ecdsa_key())
    with pytest.raises(errors.Invalid, match="RSA"):
        secureboot.database(SIGNING.certificate_pem, authority.pair())


@pytest.mark.feature("G075", "G076", "G077", "G078", "J026")
def test_the_commands_write_what_follows_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main.run(["gen", "secureboot", "uki", "--common-name", "mine", "-o", str(out)]) == 0
    assert main.run(["gen", "secureboot", "pcr", "-o", str(out)]) == 0
    key, certificate = out / "uki-signing-key.pem", out / "uki-signing-cert.pem"
    assert key.stat().st_mode & 0o777 == (out / "pcr-signing-key.pem").stat().st_mode & 0o777 == 0o600
    found = library.load_der_x509_certificate((out / "uki-signing-cert.der").read_bytes())
    assert found.subject.rfc4514_string() == "CN=mine"
    assert found.not_valid_after_utc - found.not_valid_before_utc == datetime.timedelta(days=3650)
    pcr = x509.load_key((out / "pcr-signing-key.pem").read_bytes())
    assert isinstance(pcr, rsa.RSAPrivateKey) and pcr.key_size == 2048
    arguments = ["--enrolled-certificate", str(certificate), "--signing-certificate", str(certificate)]
    database = ["gen", "secureboot", "database", *arguments, "--signing-key", str(key), "-o", str(out)]
    assert main.run(database) == 0
    assert (out / "PK.auth").exists() and (out / "KEK.auth").exists()
    before = (out / "db.auth").read_bytes()
    assert main.run(database) != 0 and (out / "db.auth").read_bytes() == before
    assert main.run([*database, "--force"]) == 0
    assert "Created" in capsys.readouterr().err
