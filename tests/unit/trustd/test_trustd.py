"""trustd over TLS, asked as a machine that wants to join asks, and as one that wants more."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from talos.machinery.api import methods
from talos.machinery.api._generated.security import security_pb2
from talos.machinery.resources.cluster import member
from talos.machinery.rpc import channel, status
from talos.pki import x509
from talos.trustd import rate
from tests.conformance.rpc.node import AUTHORITY, TOKEN, Node, running

METHOD = methods.method("/securityapi.SecurityService/Certificate")
OWN = "127.0.0.1"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as nodes:
        for name, address in (("other", "10.5.0.3"), ("caller", OWN), ("caller2", "127.0.1.1")):
            spec = member.Member.Spec(hostname=name, addresses=(address,))
            await nodes[0].store.create(member.Member(name, spec))
        yield nodes[0]


async def ask(node: Node, request: bytes, token: str = TOKEN) -> security_pb2.CertificateResponse:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.crt_pem.decode())
    context.set_alpn_protocols(["h2"])
    connection = channel.Channel.tcp(node.address, node.trustd_port, tls=context)
    try:
        message = security_pb2.CertificateRequest(csr=request)
        metadata = {"token": token} if token else None
        answer: security_pb2.CertificateResponse = await connection.unary(
            METHOD, message, metadata=metadata, timeout_s=10
        )
        return answer
    finally:
        connection.close()
        await asyncio.sleep(0.02)


def request(
    name: str = "joins", *organizations: str, dns: tuple[str, ...] = (), addresses: tuple[str, ...] = ()
) -> bytes:
    return x509.make_request(x509.new_ed25519_key(), x509.Subject(name, organizations, dns, addresses))


@pytest.mark.feature("C003", "C005", "C006")
async def test_server_certificates_are_signed(node: Node) -> None:
    answer = await ask(node, request("joins", "os:admin", dns=("joins",), addresses=("10.5.0.99",)))
    (certificate,) = x509.load_certificates(answer.crt)
    assert certificate.subject.rfc4514_string() == "CN=joins"
    extensions = {extension.oid.dotted_string: extension.value for extension in certificate.extensions}
    assert list(extensions["2.5.29.37"]) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not extensions["2.5.29.19"].ca  # type: ignore[attr-defined]
    assert answer.ca.strip() == AUTHORITY.crt_pem.strip()


@pytest.mark.feature("C003")
@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "0", TOKEN.upper()])
async def test_token_decides(node: Node, token: str) -> None:
    with pytest.raises(status.RpcError) as caught:
        await ask(node, request(), token)
    assert caught.value.code is status.Code.UNAUTHENTICATED
    assert TOKEN not in caught.value.message


def _with(*extensions: object) -> bytes:
    """A request for extensions of its own choice."""
    from cryptography import x509 as cx
    from cryptography.hazmat.primitives import serialization

    builder = cx.CertificateSigningRequestBuilder().subject_name(x509.Subject("joins").name())
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)  # type: ignore[arg-type]
    return builder.sign(x509.new_ed25519_key(), None).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]


@pytest.mark.feature("C006")
async def test_more_than_a_server_certificate_is_refused(node: Node) -> None:
    from cryptography import x509 as cx

    for asked in (
        _with(cx.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])),
        _with(cx.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])),
        _with(cx.BasicConstraints(ca=True, path_length=None)),
        request("other"),
        request(dns=("other",)),
        request(addresses=("10.5.0.3",)),
        request(addresses=("10.5.0.99", "10.5.0.3")),
    ):
        with pytest.raises(status.RpcError) as caught:
            await ask(node, asked)
        assert caught.value.code is status.Code.PERMISSION_DENIED, x509.load_request(asked)


@pytest.mark.feature("C007")
@pytest.mark.parametrize(
    "junk", [b"", b"junk", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"]
)
async def test_no_request(node: Node, junk: bytes) -> None:
    with pytest.raises(status.RpcError) as caught:
        await ask(node, junk)
    assert caught.value.code is status.Code.INVALID_ARGUMENT


async def test_a_request_whose_signature_does_not_fit(node: Node) -> None:
    pem = request()
    (label, der), *_ = x509.pem_blocks(pem)
    broken = der[:-1] + bytes([der[-1] ^ 1])
    with pytest.raises(status.RpcError) as caught:
        await ask(node, x509.pem_encode(label, broken))
    assert caught.value.code is status.Code.INVALID_ARGUMENT


async def test_size_is_bounded(node: Node) -> None:
    with pytest.raises(status.RpcError) as caught:
        await ask(node, bytes(1 << 20))
    assert caught.value.code is status.Code.RESOURCE_EXHAUSTED


async def test_who_asks_too_often_is_told_to_wait(node: Node) -> None:
    async def code() -> status.Code | None:
        try:
            await ask(node, request(), "wrong")
        except status.RpcError as error:
            return error.code
        return None

    codes = await asyncio.gather(*(code() for _ in range(3 * int(rate.BURST))))
    assert codes.count(status.Code.UNAUTHENTICATED) >= rate.BURST
    assert codes.count(status.Code.RESOURCE_EXHAUSTED) >= 5
    # A right token does not help a flood; the wait does.
    await asyncio.sleep(1.2 / rate.PER_SECOND)
    assert (await ask(node, request(addresses=(OWN,)))).crt
