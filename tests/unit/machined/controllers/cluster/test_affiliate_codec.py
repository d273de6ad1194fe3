"""The encryption of the discovery service against independent constructions of the same format."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from talos.base import errors
from talos.machined.controllers.cluster import _affiliate_codec as codec
from talos.machinery.api._generated.discovery import affiliate_pb2

pytestmark = pytest.mark.feature("N002")

KEY = bytes(range(32))
AFFILIATE = affiliate_pb2.Affiliate(
    node_id="7x1SuC8Ege5BGXdAfTEff5iQnlWZLfv9h1LGMxA2pYkC",
    addresses=[ipaddress.ip_address("10.5.0.2").packed],
    hostname="cp-1",
    nodename="cp-1",
    machine_type="controlplane",
    operating_system="Talos (v1.14.0)",
    control_plane=affiliate_pb2.ControlPlane(api_server_port=6443),
)


def test_affiliate_is_nonce_then_gcm() -> None:
    """Decrypted here by GCM of the cipher interface, not by the one-shot interface the code uses."""
    nonce = bytes(range(100, 112))
    sealed = codec.seal(KEY, AFFILIATE, nonce=nonce)
    assert sealed[:12] == nonce
    body, tag = sealed[12:-16], sealed[-16:]
    decryptor = Cipher(algorithms.AES(KEY), modes.GCM(nonce, tag)).decryptor()
    assert decryptor.update(body) + decryptor.finalize() == AFFILIATE.SerializeToString()


def test_each_seal_has_its_own_nonce() -> None:
    first, second = codec.seal(KEY, AFFILIATE), codec.seal(KEY, AFFILIATE)
    assert first != second
    assert codec.unseal(KEY, first) == codec.unseal(KEY, second) == AFFILIATE


@pytest.mark.parametrize("change", [0, 12, -1])
def test_altered_bytes_are_refused(change: int) -> None:
    sealed = bytearray(codec.seal(KEY, AFFILIATE))
    sealed[change] ^= 1
    with pytest.raises(errors.Invalid, match="another secret"):
        codec.unseal(KEY, bytes(sealed))


def test_another_key_and_short_data_are_refused() -> None:
    with pytest.raises(errors.Invalid, match="another secret"):
        codec.unseal(bytes(32), codec.seal(KEY, AFFILIATE))
    with pytest.raises(errors.Invalid, match="27 bytes"):
        codec.unseal(KEY, bytes(27))
    with pytest.raises(errors.Invalid, match="not 5"):
        codec.seal(b"short", AFFILIATE)


def test_endpoint_vector() -> None:
    """The block of `ip=10.5.0.2 port=51820` is 0a04 0a050002 10 ec9403 and six zeros under AES-256 without chaining."""
    plain = bytes.fromhex("0a040a05000210ec9403") + bytes(6)
    encryptor = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()
    expected = encryptor.update(plain)
    endpoint = (ipaddress.ip_address("10.5.0.2"), 51820)
    assert codec.seal_endpoint(KEY, endpoint) == expected
    assert codec.unseal_endpoint(KEY, expected) == endpoint


def test_a_v6_endpoint_takes_two_blocks_and_fits_the_limit_of_the_service() -> None:
    assert len(codec.seal_endpoint(KEY, (ipaddress.ip_address("fd00::2"), 51820))) == 32


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(1, 65535))
def test_endpoints_round_trip(ip: codec.IPAddress, port: int) -> None:
    assert codec.unseal_endpoint(KEY, codec.seal_endpoint(KEY, (ip, port))) == (ip, port)


@given(st.binary(max_size=80))
def test_rubbish_is_invalid(data: bytes) -> None:
    with pytest.raises(errors.Invalid):
        codec.unseal(KEY, data)
    with contextlib.suppress(errors.Invalid):
        codec.unseal_endpoint(KEY, data)
