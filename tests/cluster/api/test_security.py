"""The API of real nodes: who may do what, and through which door."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2

from talos.apid import _wire
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.api._generated.security import security_pb2
from talos.machinery.client import connection, talosconfig
from talos.machinery.config import secrets
from talos.machinery.rpc import channel, status
from talos.pki import bundle, x509
from tests.cluster.driver import LocalCluster

VERSION = methods.method("/machine.MachineService/Version")


@pytest.fixture(scope="module")
def made(cluster: LocalCluster) -> secrets.Bundle:
    return secrets.Bundle.load((cluster.folder / "configs/secrets.yaml").read_bytes())


def context(made: secrets.Bundle, *roles: str) -> ssl.SSLContext:
    pair = bundle.admin_certificate(made, roles)
    return connection.tls(talosconfig.Context(ca=made.os.crt, crt=pair.crt, key=pair.key))


def as_role(cluster: LocalCluster, made: secrets.Bundle, tmp_path: Path, role: str) -> str:
    pair = bundle.admin_certificate(made, (role,))
    own = talosconfig.Context(endpoints=(cluster.planes[0],), ca=made.os.crt, crt=pair.crt, key=pair.key)
    path = tmp_path / "talosconfig"
    talosconfig.save(talosconfig.Talosconfig("it", {"it": own}), path)
    return str(path)


@pytest.mark.feature("P017", "B007", "B030", "A051", "D010")
def test_reader_sees_no_secret_and_resets_nothing(cluster: LocalCluster, made: secrets.Bundle, tmp_path: Path) -> None:
    reader = ("--talosconfig", as_role(cluster, made, tmp_path, "os:reader"))
    node = cluster.planes[0]
    assert "kubelet" in cluster.talosctl(*reader, "services", node=node).out
    for forbidden in (
        ("get", "machineconfig"),
        ("get", "osrootsecrets"),
        ("read", "/system/state/config.yaml"),
        ("kubeconfig", "-"),
        ("reset", "--wait=false"),
        ("bootstrap",),
    ):
        refused = cluster.talosctl(*reader, *forbidden, node=node, check=False)
        assert refused.code == 4, (forbidden, refused)
        assert made.trustd_token not in refused.out + refused.err


@pytest.mark.feature("B030", "H033")
def test_operator_restarts_what_may_be_restarted(cluster: LocalCluster, made: secrets.Bundle, tmp_path: Path) -> None:
    operator = ("--talosconfig", as_role(cluster, made, tmp_path, "os:operator"))
    node = cluster.worker_nodes[0]
    assert cluster.talosctl(*operator, "service", "machined", "stop", node=node, check=False).code != 0
    assert cluster.talosctl(*operator, "get", "machineconfig", node=node, check=False).code == 4
    assert "restarted" in cluster.talosctl(*operator, "service", "kubelet", "restart", node=node).out.lower()


async def closed(to: channel.Channel) -> None:
    """TLS transports close in the next rounds of the loop, which has to live until then."""
    to.close()
    await asyncio.sleep(0.1)


def call(cluster: LocalCluster, endpoint: str, tls: ssl.SSLContext, metadata: dict[str, Any]) -> Any:
    async def ask() -> Any:
        to = channel.Channel.tcp(endpoint, 50000, tls=tls)
        try:
            return await to.unary(VERSION, empty_pb2.Empty(), metadata=metadata, timeout_s=15)
        finally:
            await closed(to)

    return asyncio.run(ask())


@pytest.mark.feature("B011", "B015", "S001")
def test_one_node_answers_through_another(cluster: LocalCluster, made: secrets.Bundle) -> None:
    reply = call(cluster, cluster.planes[0], context(made, "os:admin"), {"node": cluster.worker_nodes[0]})
    assert len(reply.messages) == 1
    assert not reply.messages[0].HasField("metadata")


@pytest.mark.feature("B012", "B018", "B020")
def test_many_nodes_answer_with_metadata_and_a_dead_one_with_its_error(
    cluster: LocalCluster, made: secrets.Bundle
) -> None:
    dead = f"{cluster.prefix}.250"
    reply = call(cluster, cluster.planes[0], context(made, "os:admin"), {"nodes": [*cluster.nodes, dead]})
    found = {m.metadata.hostname: m for m in reply.messages}
    assert set(found) == {*cluster.nodes, dead}
    for node in cluster.nodes:
        assert found[node].version.tag.startswith("v1.14")
        assert not found[node].metadata.error
    assert found[dead].metadata.error
    assert found[dead].metadata.status.code == status.Code.UNAVAILABLE


@pytest.mark.feature("B016", "S001")
def test_worker_forwards_nothing_but_serves_itself(cluster: LocalCluster, made: secrets.Bundle) -> None:
    worker, tls = cluster.worker_nodes[0], context(made, "os:admin")
    assert call(cluster, worker, tls, {"node": worker}).messages
    with pytest.raises(status.RpcError) as refused:
        call(cluster, worker, tls, {"node": cluster.planes[0]})
    assert refused.value.code is status.Code.PERMISSION_DENIED
    assert "no request forwarding" in refused.value.message


@pytest.mark.feature("B001", "B002")
def test_strangers_do_not_get_in(cluster: LocalCluster, made: secrets.Bundle) -> None:
    stranger = bundle.generate()
    foreign = bundle.admin_certificate(stranger)
    wrong = connection.tls(talosconfig.Context(ca=made.os.crt, crt=foreign.crt, key=foreign.key))
    authority = x509.Authority.load(made.os.crt, made.os.key)
    server_pair = authority.issue(x509.Subject(organizations=("os:admin",)), x509.BOTH, lifetime=x509.CLIENT_LIFETIME)
    both = connection.tls(talosconfig.Context(ca=made.os.crt, crt=server_pair.crt, key=server_pair.key))
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.load_verify_locations(cadata=made.os.crt.decode())
    nobody.set_alpn_protocols(["h2"])
    for tls in (wrong, both, nobody):
        with pytest.raises(status.RpcError) as refused:
            call(cluster, cluster.planes[0], tls, {})
        assert refused.value.code in (status.Code.UNAVAILABLE, status.Code.PERMISSION_DENIED, status.Code.INTERNAL)


@pytest.mark.feature("B008", "B009")
def test_claimed_roles_are_ignored(cluster: LocalCluster, made: secrets.Bundle) -> None:
    async def reset() -> None:
        to = channel.Channel.tcp(cluster.planes[0], 50000, tls=context(made, "os:reader"))
        try:
            await to.unary(
                methods.method("/machine.MachineService/Reset"),
                machine_pb2.ResetRequest(),
                metadata={"talos-role": "os:admin"},
                timeout_s=10,
            )
        finally:
            await closed(to)

    with pytest.raises(status.RpcError) as refused:
        asyncio.run(reset())
    assert refused.value.code is status.Code.PERMISSION_DENIED


def test_unknown_method_is_unimplemented_through_apid(cluster: LocalCluster, made: secrets.Bundle) -> None:
    async def ask() -> None:
        to = channel.Channel.tcp(cluster.planes[0], 50000, tls=context(made, "os:admin"))
        try:
            async with to.raw("/machine.MachineService/Nonsense", timeout_s=10) as raw:
                await raw.send(b"", end=True)
                await raw.receive()
        finally:
            await closed(to)

    with pytest.raises(status.RpcError) as refused:
        asyncio.run(ask())
    assert refused.value.code is status.Code.UNIMPLEMENTED


def sign(cluster: LocalCluster, made: secrets.Bundle, request: bytes, token: str) -> Any:
    async def ask() -> Any:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_verify_locations(cadata=made.os.crt.decode())
        tls.set_alpn_protocols(["h2"])
        to = channel.Channel.tcp(cluster.planes[0], 50001, tls=tls)
        try:
            return await to.unary(
                methods.method("/securityapi.SecurityService/Certificate"),
                security_pb2.CertificateRequest(csr=request),
                metadata={"token": token} if token else {},
                timeout_s=10,
            )
        finally:
            await closed(to)

    return asyncio.run(ask())


@pytest.mark.feature("C003", "C005", "C006")
def test_trustd_signs_with_the_token_only(cluster: LocalCluster, made: secrets.Bundle) -> None:
    subject = x509.Subject("new", ("os:admin",), ("new",), (f"{cluster.prefix}.99",))
    request = x509.make_request(x509.new_ed25519_key(), subject)
    reply = sign(cluster, made, request, made.trustd_token)
    certificate = x509.load_certificates(reply.crt)[0]
    assert certificate.subject.rfc4514_string() == "CN=new"
    assert x509.load_certificates(reply.ca)
    for token in ("", "aaaaaa.bbbbbbbbbbbbbbbb"):
        with pytest.raises(status.RpcError) as refused:
            sign(cluster, made, request, token)
        assert refused.value.code is status.Code.UNAUTHENTICATED


@pytest.mark.feature("C007")
def test_trustd_refuses_what_is_not_the_callers(cluster: LocalCluster, made: secrets.Bundle) -> None:
    key = x509.new_ed25519_key()
    other = x509.make_request(key, x509.Subject("new", (), (), (cluster.planes[0],)))
    with pytest.raises(status.RpcError) as refused:
        sign(cluster, made, other, made.trustd_token)
    assert refused.value.code is status.Code.PERMISSION_DENIED
    with pytest.raises(status.RpcError) as bad:
        sign(cluster, made, b"junk", made.trustd_token)
    assert bad.value.code is status.Code.INVALID_ARGUMENT


def test_wire_bytes_agree_with_protobuf() -> None:
    reply = machine_pb2.VersionResponse(messages=[machine_pb2.Version(version=machine_pb2.VersionInfo(tag="t"))])
    merged = machine_pb2.VersionResponse.FromString(_wire.with_metadata(reply.SerializeToString(), "n" * 200))
    assert merged.messages[0].metadata.hostname == "n" * 200
    assert merged.messages[0].version.tag == "t"
