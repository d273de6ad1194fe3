"""The Talos API of a local cluster's nodes, called with the administrator's certificate of the cluster's folder.

Each node is asked directly: while a cluster comes up there is nobody yet who could proxy.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from talos.base import errors
from talos.base.constants import ports
from talos.k8s import checks
from talos.machinery.api import methods
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.cosi import state_pb2
from talos.machinery.api._generated.machine import image_pb2, machine_pb2
from talos.machinery.client import connection
from talos.machinery.rpc import channel, status
from talos.provision import configs
from talos.provision.state import Cluster

_MACHINE = "/machine.MachineService/"
_CALL_TIMEOUT_S = 10.0
_APPLY_TIMEOUT_S = 120.0
_UPLOAD_TIMEOUT_S = 1800.0
_CHUNK_BYTES = 1 << 20


def context(ca: bytes, certificate: bytes, key: bytes) -> ssl.SSLContext:
    """TLS 1.3 with a client certificate, trusting one authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_verify_locations(cadata=ca.decode())
    # The ssl module reads key pairs from files only; an anonymous one never touches a file system.
    handle = os.memfd_create("client-pair", os.MFD_CLOEXEC)
    try:
        # OpenSSL does not know the label under which Talos writes Ed25519 keys; the content is PKCS #8.
        plain = key.replace(b"ED25519 PRIVATE KEY", b"PRIVATE KEY")
        os.write(handle, certificate.rstrip() + b"\n" + plain)
        made.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
    made.set_alpn_protocols(["h2"])
    return made


class Maintenance:
    """Channels to nodes that have no configuration yet: encrypted, but nobody is known to anybody."""

    def __init__(self) -> None:
        self._tls = connection.insecure_tls()
        self._channels: dict[str, channel.Channel] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in list(self._channels):
            self.forget(node)

    def forget(self, node: str) -> None:
        """Close the channel of a node."""
        if (one := self._channels.pop(node, None)) is not None:
            one.close()

    async def apply(self, node: str, config: bytes) -> None:
        """Give a node its configuration. Raises RpcError."""
        if node not in self._channels:
            self._channels[node] = channel.Channel.tcp(node, ports.APID, tls=self._tls)
        # A node without a place for its configuration would lose it in a reboot.
        mode = machine_pb2.ApplyConfigurationRequest.Mode.AUTO
        request = machine_pb2.ApplyConfigurationRequest(data=config, mode=mode)
        method = methods.method(f"{_MACHINE}ApplyConfiguration")
        await self._channels[node].unary(method, request, timeout_s=_APPLY_TIMEOUT_S)


class Api:
    """Channels to the nodes, opened when first used; also what health checks ask (`checks.Nodes`)."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._channels: dict[str, channel.Channel] = {}

    @classmethod
    def of(cls, cluster: Cluster) -> Self:
        """With the credentials of the cluster. Raises NotFound before they are made."""
        pair, made = configs.admin_pair(cluster), configs.load_secrets(cluster)
        if pair is None or made is None:
            raise errors.NotFound(f"cluster {cluster.name} has no secrets yet")
        return cls(context(made.os.crt, pair.crt, pair.key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all channels."""
        for one in self._channels.values():
            one.close()
        self._channels.clear()

    def forget(self, node: str) -> None:
        """Close the channel of a node, which may have restarted."""
        if (one := self._channels.pop(node, None)) is not None:
            one.close()

    def _channel(self, node: str) -> channel.Channel:
        if node not in self._channels:
            self._channels[node] = channel.Channel.tcp(node, ports.APID, tls=self._tls)
        return self._channels[node]

    async def call(self, node: str, path: str, request: Message, *, timeout_s: float = _CALL_TIMEOUT_S) -> Any:
        """One unary call. Raises RpcError."""
        return await self._channel(node).unary(methods.method(path), request, timeout_s=timeout_s)

    async def version(self, node: str) -> str:
        """The Talos version of a node."""
        answer = await self.call(node, f"{_MACHINE}Version", empty_pb2.Empty(), timeout_s=5.0)
        return str(answer.messages[0].version.tag)

    async def bootstrap(self, node: str) -> None:
        """Start etcd there; fine when it was done before."""
        try:
            await self.call(node, f"{_MACHINE}Bootstrap", machine_pb2.BootstrapRequest())
        except status.RpcError as error:
            if error.code is not status.Code.ALREADY_EXISTS:
                raise

    async def shutdown(self, node: str) -> None:
        """Have the node shut down without moving its pods away first."""
        await self.call(node, f"{_MACHINE}Shutdown", machine_pb2.ShutdownRequest(force=True))

    async def kubeconfig(self, node: str) -> str:
        """The administrator's kubeconfig. Raises RpcError while the node cannot make one."""
        chunks = [
            chunk.bytes
            async for chunk in self._channel(node).stream(
                methods.method(f"{_MACHINE}Kubeconfig"), empty_pb2.Empty(), timeout_s=_CALL_TIMEOUT_S
            )
        ]
        return _first_file(b"".join(chunks)).decode()

    async def leave_etcd(self, node: str) -> None:
        """Have the node's member leave etcd."""
        await self.call(node, f"{_MACHINE}EtcdLeaveCluster", machine_pb2.EtcdLeaveClusterRequest(), timeout_s=60.0)

    async def remove_member(self, node: str, member: int) -> None:
        """Have the etcd of a node remove another member."""
        request = machine_pb2.EtcdRemoveMemberByIDRequest(member_id=member)
        await self.call(node, f"{_MACHINE}EtcdRemoveMemberByID", request)

    async def import_image(self, node: str, archive: Path, namespace: common_pb2.ContainerdNamespace.ValueType) -> str:
        """Send an OCI archive; Returns the image's name."""

        async def requests() -> AsyncIterator[Message]:
            first = image_pb2.ImageServiceImportRequest()
            first.containerd.driver = common_pb2.CRI
            first.containerd.namespace = namespace
            yield first
            with archive.open("rb") as source:
                while chunk := source.read(_CHUNK_BYTES):
                    request = image_pb2.ImageServiceImportRequest()
                    request.image_chunk.bytes = chunk
                    yield request

        answer = await self._channel(node).upload(
            methods.method("/machine.ImageService/Import"), requests(), timeout_s=_UPLOAD_TIMEOUT_S
        )
        return str(answer.name)

    # checks.Nodes

    async def services(self, node: str) -> Mapping[str, checks.ServiceState]:
        """State of each service."""
        answer = await self.call(node, f"{_MACHINE}ServiceList", empty_pb2.Empty())
        return {
            one.id: checks.ServiceState(one.state, one.health.healthy, not one.health.unknown, one.health.last_message)
            for message in answer.messages
            for one in message.services
        }

    async def etcd_members(self, node: str) -> Sequence[checks.EtcdMember]:
        """Members as the node's etcd sees them."""
        answer = await self.call(node, f"{_MACHINE}EtcdMemberList", machine_pb2.EtcdMemberListRequest())
        return [
            checks.EtcdMember(one.id, one.hostname, frozenset(urlsplit(url).hostname or "" for url in one.peer_urls))
            for one in answer.messages[0].members
        ]

    async def memory_bytes(self, node: str) -> int:
        """Total memory."""
        answer = await self.call(node, f"{_MACHINE}Memory", empty_pb2.Empty())
        return int(answer.messages[0].meminfo.memtotal) * 1024

    async def stage(self, node: str) -> str:
        """Stage of the machine, e.g. `running`."""
        return str((await self._machine_status(node)).get("stage", "unknown"))

    async def unmet_conditions(self, node: str) -> Sequence[str]:
        """What keeps the machine from being ready."""
        conditions = ((await self._machine_status(node)).get("status") or {}).get("unmetConditions") or ()
        return [f"{one.get('name')}: {one.get('reason')}" for one in conditions]

    async def _machine_status(self, node: str) -> Mapping[str, Any]:
        request = state_pb2.GetRequest(namespace="runtime", type="MachineStatuses.runtime.talos.dev", id="machine")
        answer = await self.call(node, "/cosi.resource.State/Get", request)
        found = yaml.load(answer.resource.spec.yaml_spec, Loader=yaml.CSafeLoader)
        return found if isinstance(found, dict) else {}


def _first_file(archive: bytes) -> bytes:
    """The RPC sends a gzip-compressed tar archive with one file."""
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        for member in opened:
            if (source := opened.extractfile(member)) is not None:
                return source.read()
    raise errors.NotReady("the node sent no kubeconfig")
