"""How an affiliate travels through the discovery service: as bytes only the cluster's members can read.

The affiliate itself is `sidero.discovery.client.Affiliate` under AES-GCM with the cluster's secret: a random nonce of
12 bytes, then ciphertext and tag. A KubeSpan endpoint must look the same whoever publishes it, so that the service can
merge equal ones: its message is padded with zeros to the block size and encrypted block by block (ECB) with the same
key. A message never ends in a zero byte (the last field is a port above 0), so the padding can be taken off again.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass

from talos.base import errors
from talos.machinery.api._generated.discovery import affiliate_pb2

NONCE_BYTES = 12
BLOCK_BYTES = 16
KEY_BYTES = (16, 24, 32)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Endpoint = tuple[IPAddress, int]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is given to the service for one affiliate."""

    data: bytes
    endpoints: tuple[bytes, ...]


def _check_key(key: bytes) -> None:
    if len(key) not in KEY_BYTES:
        raise errors.Invalid(f"discovery secret: 16, 24 or 32 bytes, not {len(key)}")


def seal(key: bytes, message: affiliate_pb2.Affiliate, *, nonce: bytes | None = None) -> bytes:
    """Encrypt an affiliate. `nonce` is for test vectors; else it is random."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    _check_key(key)
    nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
    return nonce + AESGCM(key).encrypt(nonce, message.SerializeToString(deterministic=True), None)


def unseal(key: bytes, data: bytes) -> affiliate_pb2.Affiliate:
    """Decrypt an affiliate. Raises Invalid when it was sealed with another key or altered."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from google.protobuf.message import DecodeError

    _check_key(key)
    if len(data) < NONCE_BYTES + BLOCK_BYTES:
        raise errors.Invalid(f"sealed affiliate of {len(data)} bytes")
    try:
        return affiliate_pb2.Affiliate.FromString(AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None))
    except InvalidTag as err:
        raise errors.Invalid("affiliate sealed with another secret") from err
    except DecodeError as err:
        raise errors.Invalid(f"sealed affiliate: {err}") from err


def seal_endpoint(key: bytes, endpoint: Endpoint) -> bytes:
    """Encrypt an endpoint; the same one always gives the same bytes."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    _check_key(key)
    ip, port = endpoint
    plain = affiliate_pb2.Endpoint(ip=ip.packed, port=port).SerializeToString(deterministic=True)
    plain += bytes(-len(plain) % BLOCK_BYTES)
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  (the format; see the module's story)
    return encryptor.update(plain) + encryptor.finalize()


def unseal_endpoint(key: bytes, data: bytes) -> Endpoint:
    """Decrypt an endpoint. Raises Invalid for bytes that are none."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from google.protobuf.message import DecodeError

    _check_key(key)
    if not data or len(data) % BLOCK_BYTES:
        raise errors.Invalid(f"sealed endpoint of {len(data)} bytes")
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305
    plain = (decryptor.update(data) + decryptor.finalize()).rstrip(b"\0")
    try:
        message = affiliate_pb2.Endpoint.FromString(plain)
        return ipaddress.ip_address(message.ip), message.port
    except (DecodeError, ValueError) as err:
        raise errors.Invalid("endpoint sealed with another secret") from err


def seal_endpoints(key: bytes, endpoints: Iterable[Endpoint]) -> tuple[bytes, ...]:
    """Encrypt several endpoints."""
    return tuple(seal_endpoint(key, endpoint) for endpoint in endpoints)
