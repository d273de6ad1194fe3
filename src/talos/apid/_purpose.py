"""Extended key usage of a certificate, read from its DER without a library: apid is to stay small.

Only as much of X.509 (RFC 5280, 4.1) is walked as leads to the extensions: Certificate, tbsCertificate, [3].
"""

from __future__ import annotations

from collections.abc import Iterator

_SEQUENCE, _OID, _OCTETS, _EXTENSIONS = 0x30, 0x06, 0x04, 0xA3
_EXTENDED_KEY_USAGE = bytes.fromhex("551d25")
CLIENT = bytes.fromhex("2b06010505070302")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element. Raises ValueError."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1] if at + 1 < len(data) else 0
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or at + size > len(data):
                raise ValueError("length of an element")
            length = int.from_bytes(data[at : at + size])
            at += size
        if at + length > len(data):
            raise ValueError("element is cut off")
        yield tag, data[at : at + length]
        at += length


def _first(data: bytes, wanted: int) -> bytes:
    """Content of the first element with a tag. Raises ValueError."""
    for tag, content in _elements(data):
        if tag == wanted:
            return content
    raise ValueError("element is missing")


def purposes(certificate: bytes) -> list[bytes]:
    """Return the purposes (content of their OIDs) a certificate is for. Raises ValueError for what is none."""
    tbs = _first(_first(certificate, _SEQUENCE), _SEQUENCE)
    found: list[list[bytes]] = []
    for _, extension in _elements(_first(_first(tbs, _EXTENSIONS), _SEQUENCE)):
        if _first(extension, _OID) == _EXTENDED_KEY_USAGE:
            listed = _first(_first(extension, _OCTETS), _SEQUENCE)
            found.append([content for _, content in _elements(listed)])
    if len(found) != 1:
        raise ValueError("there is no extended key usage, or more than one")
    return found[0]
