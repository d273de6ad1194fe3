"""Signatures of programs for UEFI: what they cover, and that they are what the specification says."""

from __future__ import annotations

import hashlib
import struct

import pytest
from cryptography import x509 as certificates
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from talos.base import errors
from talos.pki import authenticode, secureboot, x509

_OPTIONAL = 64 + 24
_CHECKSUM, _DIRECTORY = _OPTIONAL + 64, _OPTIONAL + 112 + 32


def program(tail: bytes = b"") -> bytes:
    """A PE file with two sections, stored in the reverse of their order in the table."""
    optional = bytearray(240)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<I", optional, 60, 512)
    struct.pack_into("<I", optional, 64, 0xDEADBEEF)
    struct.pack_into("<I", optional, 108, 16)
    table = b"".join(
        struct.pack("<8sIIIIIIHHI", name, 512, address, 512, offset, 0, 0, 0, 0, 0)
        for name, address, offset in ((b".b", 0x2000, 1024), (b".a", 0x1000, 512))
    )
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 2, 0, 0, 0, len(optional), 0)
    return (head + coff + optional + table).ljust(512, b"\0") + b"A" * 512 + b"B" * 512 + tail


@pytest.fixture(scope="module")
def pair() -> x509.KeyPair:
    made = secureboot.new_signing("test")
    return x509.KeyPair(made.certificate_pem, made.key_pem)


def test_a_digest_leaves_out_checksum_and_directory() -> None:
    image = program(b"tail")
    rest = image[:_CHECKSUM] + image[_CHECKSUM + 4 : _DIRECTORY] + image[_DIRECTORY + 8 :]
    assert authenticode.digest(image) == hashlib.sha256(rest).digest()


@pytest.mark.parametrize("at", [0, 72, _OPTIONAL + 20, 330, 600, 1535])
def test_a_digest_changes_with_every_other_byte(at: int) -> None:
    image = bytearray(program())
    image[at] ^= 0x20 if at else 0
    changed = bytes(image)
    assert (authenticode.digest(changed) != authenticode.digest(program())) == (at > 0)


def children(der: bytes) -> list[bytes]:
    """The elements inside the first element of `der`, each whole."""

    def ends(at: int) -> tuple[int, int]:
        length, start = der[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[at + 2 : start])
        return start, start + length

    at, end = ends(0)
    found = []
    while at < end:
        _, after = ends(at)
        found.append(der[at:after])
        at = after
    return found


@pytest.mark.feature("J024")
def test_the_certificate_vouches_for_the_digest(pair: x509.KeyPair) -> None:
    signed = authenticode.sign(program(b"odd"), pair)
    assert len(signed) % 8 == 0
    signature = authenticode.signature(signed)
    assert signature is not None
    assert authenticode.digest(signed) in signature
    (signed_data,) = children(children(signature)[1])
    *_, chain, signers = children(signed_data)
    certificate = certificates.load_der_x509_certificate(children(chain)[0])
    assert certificate == certificates.load_pem_x509_certificate(pair.crt)
    _, _, _, attributes, _, value = children(children(signers)[0])
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(value[4:], b"\x31" + attributes[1:], padding.PKCS1v15(), hashes.SHA256())


def test_signing_again_replaces_and_gives_the_same_bytes(pair: x509.KeyPair) -> None:
    once = authenticode.sign(program(), pair)
    assert authenticode.sign(once, pair) == once
    assert authenticode.sign(program(), pair) == once
    assert authenticode.digest(once) == authenticode.digest(program())
    assert authenticode.signature(program()) is None


@pytest.mark.parametrize(
    "image", [b"", b"MZ" + bytes(100), program()[:300], program()[:1400], program().replace(b"PE\0\0", b"PX\0\0")]
)
def test_what_cannot_be_signed(image: bytes, pair: x509.KeyPair) -> None:
    with pytest.raises(errors.Invalid):
        authenticode.sign(image, pair)


def test_firmware_knows_rsa_only() -> None:
    other = x509.Authority.new(x509.new_ed25519_key(), common_name="x", lifetime=secureboot.LIFETIME)
    with pytest.raises(errors.Invalid, match="RSA"):
        authenticode.sign(program(), x509.KeyPair(other.crt_pem, other.key_pem))
