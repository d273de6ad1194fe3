"""Signs programs for UEFI, so that firmware with Secure Boot starts them.

Formats: "Windows Authenticode Portable Executable Signature Format" (Microsoft, 2008), PKCS #7 (RFC 2315), PE/COFF
(revision 12). The signature has no time in it: the same program and key give the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from talos.base import errors
from talos.pki import x509

_POINTER = 0x3C
_COFF_BYTES, _SECTION_BYTES = 24, 40
_PE32_PLUS = 0x20B
_HEADERS_SIZE, _CHECKSUM, _DIRECTORY_COUNT, _SECURITY_DIRECTORY = 60, 64, 108, 112 + 4 * 8
_WIN_CERTIFICATE = struct.Struct("<IHH")
_REVISION, _PKCS7_SIGNED_DATA = 0x0200, 0x0002
_ALIGNMENT = 8

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SHA256, _RSA = "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.1"
_INDIRECT_DATA, _PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.4", "1.3.6.1.4.1.311.2.1.15"
_SEQUENCE, _SET, _OCTETS, _OID, _NULL, _INTEGER, _BITS = 0x30, 0x31, 0x04, 0x06, 0x05, 0x02, 0x03


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    encoded = bytes([first * 40 + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        encoded += bytes(reversed(groups))
    return _der(_OID, encoded)


def _integer(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _algorithm(dotted: str) -> bytes:
    return _der(_SEQUENCE, _oid(dotted), _der(_NULL))


@dataclass(frozen=True, slots=True)
class _Header:
    """Where in the file the fields are that a signature does not cover, and where headers end."""

    checksum: int
    directory: int
    size: int
    sections: tuple[tuple[int, int], ...]

    def signature(self, image: bytes) -> tuple[int, int]:
        """(offset, bytes) of the signatures that are there; zeros when there are none."""
        offset, size = struct.unpack_from("<II", image, self.directory)
        return int(offset), int(size)


def _header(image: bytes) -> _Header:
    try:
        (at,) = struct.unpack_from("<I", image, _POINTER)
        count, optional_bytes = struct.unpack_from("<H12xH", image, at + 6)
        optional = at + _COFF_BYTES
        (kind,) = struct.unpack_from("<H", image, optional)
        (headers,) = struct.unpack_from("<I", image, optional + _HEADERS_SIZE)
        (directories,) = struct.unpack_from("<I", image, optional + _DIRECTORY_COUNT)
        table = [
            struct.unpack_from("<16xII", image, optional + optional_bytes + n * _SECTION_BYTES) for n in range(count)
        ]
    except struct.error as error:
        raise errors.Invalid("no program for UEFI: it ends within its header") from error
    if image[at : at + 4] != b"PE\0\0" or kind != _PE32_PLUS or directories <= 4:
        raise errors.Invalid("no program for UEFI that can be signed")
    places = tuple(sorted((offset, size) for size, offset in table if size))
    if any(offset + size > len(image) for offset, size in places):
        raise errors.Invalid("the program ends within a section")
    return _Header(optional + _CHECKSUM, optional + _SECURITY_DIRECTORY, headers, places)


def digest(image: bytes) -> bytes:
    """SHA-256 of what a signature covers: all but the checksum and where and what signatures are. Raises Invalid."""
    header = _header(image)
    hashed = hashlib.sha256(image[: header.checksum])
    hashed.update(image[header.checksum + 4 : header.directory])
    hashed.update(image[header.directory + 8 : header.size])
    covered = header.size
    view = memoryview(image)
    for offset, size in header.sections:
        hashed.update(view[offset : offset + size])
        covered += size
    # What lies behind the sections, other than signatures, counts from the sum of what was hashed (specification, 14).
    hashed.update(view[covered : len(image) - header.signature(image)[1]])
    return hashed.digest()


def _indirect_data(hashed: bytes) -> bytes:
    """SpcIndirectDataContent, less tag and length: what is signed in place of the program."""
    nameless = _der(0xA0, _der(0xA2, _der(0x80)))  # SpcLink: a file without a name
    described = _der(_SEQUENCE, _oid(_PE_IMAGE_DATA), _der(_SEQUENCE, _der(_BITS, b"\0"), nameless))
    return described + _der(_SEQUENCE, _algorithm(_SHA256), _der(_OCTETS, hashed))


def _attribute(dotted: str, value: bytes) -> bytes:
    return _der(_SEQUENCE, _oid(dotted), _der(_SET, value))


def _signed_data(content: bytes, signer: x509.Authority) -> bytes:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    if not isinstance(signer.key, rsa.RSAPrivateKey):
        raise errors.Invalid("firmware verifies RSA signatures only")
    attributes = sorted(
        [
            _attribute(_CONTENT_TYPE, _oid(_INDIRECT_DATA)),
            _attribute(_MESSAGE_DIGEST, _der(_OCTETS, hashlib.sha256(content).digest())),
        ]
    )
    signature = signer.key.sign(_der(_SET, *attributes), padding.PKCS1v15(), hashes.SHA256())
    certificate = signer.certificate
    issuer = _der(_SEQUENCE, certificate.issuer.public_bytes(), _integer(certificate.serial_number))
    information = _der(
        _SEQUENCE, _integer(1), issuer, _algorithm(_SHA256), _der(0xA0, *attributes), _algorithm(_RSA),
        _der(_OCTETS, signature),
    )  # fmt: skip
    encapsulated = _der(_SEQUENCE, _oid(_INDIRECT_DATA), _der(0xA0, _der(_SEQUENCE, content)))
    body = _der(
        _SEQUENCE, _integer(1), _der(_SET, _algorithm(_SHA256)), encapsulated,
        _der(0xA0, certificate.public_bytes(serialization.Encoding.DER)), _der(_SET, information),
    )  # fmt: skip
    return _der(_SEQUENCE, _oid(_SIGNED_DATA), _der(0xA0, body))


def sign(image: bytes, pair: x509.KeyPair) -> bytes:
    """Return the program with a signature by `pair` (RSA); one that is there is replaced. Raises Invalid."""
    header = _header(image)
    offset, size = header.signature(image)
    if size and offset + size != len(image):
        raise errors.Invalid("the program has something behind its signature")
    bare = bytearray(image[:offset] if size else image)
    bare += bytes(-len(bare) % _ALIGNMENT)
    struct.pack_into("<I", bare, header.checksum, 0)
    struct.pack_into("<II", bare, header.directory, 0, 0)
    signed = _signed_data(_indirect_data(digest(bytes(bare))), x509.Authority.load(pair.crt, pair.key))
    padded = signed + bytes(-len(signed) % _ALIGNMENT)
    entry = _WIN_CERTIFICATE.pack(_WIN_CERTIFICATE.size + len(padded), _REVISION, _PKCS7_SIGNED_DATA) + padded
    struct.pack_into("<II", bare, header.directory, len(bare), len(entry))
    return bytes(bare) + entry


def signature(image: bytes) -> bytes | None:
    """The first signature (PKCS #7, DER) of a program, with padding; None when it has none. Raises Invalid."""
    offset, size = _header(image).signature(image)
    if not size:
        return None
    try:
        length, _, _ = _WIN_CERTIFICATE.unpack_from(image, offset)
    except struct.error as error:
        raise errors.Invalid("the program ends within its signature") from error
    return image[offset + _WIN_CERTIFICATE.size : offset + length]
