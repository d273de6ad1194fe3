"""apid in front of real servers: who gets in, with which roles, and where calls go. Three nodes in one process."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2

from talos.apid import identity
from talos.base import errors
from talos.base.constants import ports
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import channel, status
from talos.machinery.types import pem
from talos.pki import tls, x509
from tests.conformance.rpc.node import ACCEPTED, AUTHORITY, STRANGER, Node, client, pair, running

MACHINE = "/machine.MachineService/"
VERSION = methods.method(MACHINE + "Version")


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[Node]]:
    async with running(tmp_path, 3) as made:
        yield made


async def call(to: Node, name: str, request: Any = None, roles: tuple[str, ...] = ("os:admin",), **options: Any) -> Any:
    connection = channel.Channel.tcp(to.address, ports.APID, tls=options.pop("tls", None) or client(*roles))
    try:
        return await connection.unary(
            methods.method(MACHINE + name), request or empty_pb2.Empty(), metadata=options or None, timeout_s=10
        )
    finally:
        connection.close()
        await asyncio.sleep(0.02)


async def refused(node: Node, context: ssl.SSLContext) -> None:
    with pytest.raises(status.RpcError) as caught:
        await call(node, "Version", tls=context)
    assert caught.value.code in (status.Code.UNAVAILABLE, status.Code.PERMISSION_DENIED), caught.value


def _context(holder: pem.CertificateAndKey | None = None) -> ssl.SSLContext:
    if holder is not None:
        return tls.client_context(holder, ACCEPTED)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=AUTHORITY.crt_pem.decode())
    made.set_alpn_protocols(["h2"])
    return made


@pytest.mark.feature("B001")
async def test_who_has_no_certificate_of_the_cluster_is_refused(nodes: list[Node]) -> None:
    await refused(nodes[0], _context())
    await refused(nodes[0], _context(pair("os:admin", authority=STRANGER)))


@pytest.mark.feature("B001")
async def test_expired_certificates_are_refused(nodes: list[Node]) -> None:
    # Backdated by an hour when it is signed, it ends before now.
    holder = pair("os:admin", lifetime=datetime.timedelta(seconds=1))
    context = _context(holder)
    await asyncio.sleep(1.5)
    await refused(nodes[0], context)


@pytest.mark.feature("B002")
@pytest.mark.parametrize("usage", [x509.SERVER, x509.BOTH])
async def test_only_client_certificates_are_taken(nodes: list[Node], usage: x509.Usage) -> None:
    await refused(nodes[0], _context(pair("os:admin", usage=usage)))


@pytest.mark.feature("B002")
def test_purpose_is_read_from_the_extension_alone() -> None:
    """The bytes of the wanted extension inside a name are a name."""
    wanted = bytes.fromhex("0603551d25040c300a06082b06010505070302").decode("ascii")
    for name in ("", wanted):
        for usage in (x509.SERVER, x509.BOTH):
            holder = pair("os:admin", usage=usage, name=name)
            der = x509.pem_blocks(holder.crt)[0][1]
            with pytest.raises(errors.Denied):
                identity.check_purpose(der)
    identity.check_purpose(x509.pem_blocks(pair("os:admin").crt)[0][1])
    for junk in (b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", bytes(200)):
        with pytest.raises(errors.Denied):
            identity.check_purpose(junk)


async def _handshake(node: Node, context: ssl.SSLContext) -> bytes:
    """Bytes the server sends after the handshake; empty when it ends the connection."""
    try:
        reader, writer = await asyncio.open_connection(
            node.address, ports.APID, ssl=context, server_hostname=node.address
        )
    except (ssl.SSLError, ConnectionError):
        return b""
    try:
        async with asyncio.timeout(5):
            return await reader.read(100)
    except (ssl.SSLError, ConnectionError):
        return b""
    finally:
        writer.transport.abort()


@pytest.mark.feature("B001")
async def test_protocols_are_agreed_on(nodes: list[Node]) -> None:
    good = client("os:admin")
    assert await _handshake(nodes[0], good)
    for protocols in (["http/1.1"], None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=AUTHORITY.crt_pem.decode())
        tls._load_pair(context, pair("os:admin"))
        if protocols:
            context.set_alpn_protocols(protocols)
        assert await _handshake(nodes[0], context) == b"", protocols
    old = client("os:admin")
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await _handshake(nodes[0], old) == b""


@pytest.mark.feature("B007", "B008", "B009")
async def test_roles_are_the_certificates(nodes: list[Node]) -> None:
    reset = machine_pb2.ResetRequest()
    for roles, claimed in ((("os:reader",), "os:admin"), ((), "os:admin"), (("os:god", ""), "os:admin")):
        with pytest.raises(status.RpcError) as caught:
            await call(nodes[0], "Reset", reset, roles, **{"talos-role": claimed})
        assert caught.value.code is status.Code.PERMISSION_DENIED
    assert nodes[0].starter.begun == []
    await call(nodes[0], "Reset", reset, ("os:god", "os:admin"))
    assert nodes[0].starter.begun == ["reset"]
    # Another node's apid passes the caller's roles on; its own role is for nothing else.
    for claimed, allowed in (("os:reader", False), ("os:admin", True)):
        if allowed:
            await call(nodes[0], "Reset", reset, ("os:impersonator",), **{"talos-role": claimed})
            continue
        with pytest.raises(status.RpcError):
            await call(nodes[0], "Reset", reset, ("os:impersonator",), **{"talos-role": claimed})
    with pytest.raises(status.RpcError):
        await call(nodes[0], "Reset", reset, ("os:impersonator",))


@pytest.mark.feature("B007", "B009", "B011")
async def test_roles_hold_on_the_next_node(nodes: list[Node]) -> None:
    target = nodes[1].address
    with pytest.raises(status.RpcError) as caught:
        await call(nodes[0], "Reset", machine_pb2.ResetRequest(), ("os:reader",), node=target)
    assert caught.value.code is status.Code.PERMISSION_DENIED
    await call(nodes[0], "Reset", machine_pb2.ResetRequest(), node=target)
    assert [node.starter.begun for node in nodes] == [[], ["reset"], []]


@pytest.mark.feature("B012", "B018", "B020")
async def test_many_nodes_and_one_that_is_away(nodes: list[Node]) -> None:
    await nodes[2].apid.close(0.1)
    asked = [node.address for node in nodes]
    answer = await call(nodes[0], "Version", nodes=asked)
    found = {message.metadata.hostname: message for message in answer.messages}
    assert list(found) == asked
    assert all(found[address].version.tag and not found[address].metadata.error for address in asked[:2])
    assert found[asked[2]].metadata.error
    assert found[asked[2]].metadata.status.code == status.Code.UNAVAILABLE
    # A refusal is told for each node as well.
    answer = await call(nodes[0], "Reset", machine_pb2.ResetRequest(), ("os:reader",), nodes=asked[:2])
    assert [message.metadata.status.code for message in answer.messages] == [status.Code.PERMISSION_DENIED] * 2


@pytest.mark.feature("B019", "B020", "B021")
async def test_streams_of_many_nodes(nodes: list[Node]) -> None:
    await nodes[2].apid.close(0.1)
    connection = nodes[0].channel(client("os:admin"))
    request = machine_pb2.ListRequest(root=str(nodes[0].folder))
    (nodes[0].folder / "seen").touch()
    found: dict[str, list[Any]] = {}
    stream = connection.stream(
        methods.method(MACHINE + "List"), request, metadata={"nodes": [n.address for n in nodes]}, timeout_s=10
    )
    async for info in stream:
        found.setdefault(info.metadata.hostname, []).append(info)
    connection.close()
    assert set(found) == {node.address for node in nodes}
    for node in nodes[:2]:
        assert "seen" in {info.relative_name for info in found[node.address]}
    (failed,) = found[nodes[2].address]
    assert failed.metadata.status.code == status.Code.UNAVAILABLE


@pytest.mark.feature("B016")
async def test_a_worker_passes_nothing_on(nodes: list[Node]) -> None:
    worker = nodes[0]
    worker.proxy.backends.use(None)
    assert (await call(worker, "Version", node=worker.address)).messages
    assert (await call(worker, "Version", nodes=worker.address)).messages
    with pytest.raises(status.RpcError) as caught:
        await call(worker, "Version", node=nodes[1].address)
    assert (caught.value.code, caught.value.message) == (status.Code.PERMISSION_DENIED, "no request forwarding")
    answer = await call(worker, "Version", nodes=[worker.address, nodes[1].address])
    assert [bool(message.metadata.error) for message in answer.messages] == [False, True]


@pytest.mark.feature("B013", "B015")
async def test_calls_are_passed_on_once_and_to_hosts_only(nodes: list[Node]) -> None:
    answer = await call(nodes[0], "Version", node="127.0.1.99", proxyfrom="somebody")
    assert answer.messages[0].version.tag
    for bad in (f"{nodes[1].address}:50000", "a b", "x" * 300, "a..b", "../x", "-" * 64):
        with pytest.raises(status.RpcError) as caught:
            await call(nodes[0], "Version", node=bad)
        assert caught.value.code is status.Code.INVALID_ARGUMENT, bad
    for several in ([",".join("a" * 2000)], ["a,,b"], ["a:1"]):
        with pytest.raises(status.RpcError) as caught:
            await call(nodes[0], "Version", nodes=several)
        assert caught.value.code is status.Code.INVALID_ARGUMENT
    with pytest.raises(status.RpcError) as caught:
        await call(nodes[0], "Version", node=["a", "b"])
    assert caught.value.code is status.Code.INVALID_ARGUMENT
