"""A control plane node and a worker, each with all network, cluster, time and KubePrism controllers, on one bridge.

A discovery service and an upstream resolver run on the bridge's own address.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype
import dns.rrset
import pytest
from tests import netns
from tests.node import Node

from talos.linux import netlink
from talos.linux.netlink import route
from talos.machined.controllers.cluster import _base62
from talos.machinery.resources.cluster.affiliate import Affiliate
from talos.machinery.resources.cluster.identity import Identity
from talos.machinery.resources.cluster.info import Info
from talos.machinery.resources.cluster.member import Member
from talos.machinery.resources.config.machine_config import MachineConfig
from talos.machinery.resources.config.machine_type import MachineType
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec
from talos.machinery.resources.files.etc_file_status import EtcFileStatus
from talos.machinery.resources.k8s.api_server_config import APIServerConfig
from talos.machinery.resources.k8s.endpoint import Endpoint
from talos.machinery.resources.k8s.kube_prism_config import KubePrismConfig
from talos.machinery.resources.k8s.kube_prism_status import KubePrismStatus
from talos.machinery.resources.k8s.nodename import Nodename
from talos.machinery.resources.network.address_status import AddressStatus
from talos.machinery.resources.network.dns_resolve_cach import DNSResolveCach
from talos.machinery.resources.network.hostname_status import HostnameStatus
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.network_status import NetworkStatus
from talos.machinery.resources.network.node_address import NodeAddress
from talos.machinery.resources.network.node_address_filter import NodeAddressFilter
from talos.machinery.resources.network.resolver_status import ResolverStatus
from talos.machinery.resources.network.route_status import RouteStatus
from talos.machinery.resources.network.static_host import StaticHost
from talos.machinery.resources.network.time_server_status import TimeServerStatus
from talos.machinery.resources.runtime.machine_reset_signal import MachineResetSignal
from talos.machinery.resources.time.time_status import TimeStatus
from talos.machinery.types import machine as machine_types
from talos.provision import discovery

pytestmark = [pytest.mark.needs_netns]

CONFIG = """
version: v1alpha1
machine:
  type: {type}
  network:
    extraHostEntries:
      - ip: 192.0.2.80
        aliases: [registry.example.org]
cluster:
  id: {id}
  secret: {secret}
  clusterName: blue
  controlPlane:
    endpoint: https://10.77.0.1:6443
---
apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: local
endpoint: http://10.77.0.1:3000
---
apiVersion: v1alpha1
kind: ResolverConfig
hostDNS:
  enabled: true
  forwardKubeDNSToHost: true
  resolveMemberNames: true
---
apiVersion: v1alpha1
kind: KubePrismConfig
port: 7445
"""
CLUSTER_ID = base64.urlsafe_b64encode(bytes(range(32))).decode()
SECRET = base64.b64encode(bytes(range(32))).decode()
PACKAGES = ("network", "cluster", "time", "k8s.kubeprism", "k8s.kubeprism_config", "k8s.kubeprism_endpoints")


class Upstream(asyncio.DatagramProtocol):
    """A resolver that knows one name."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.queries = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.queries += 1
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query, recursion_available=True)
        name = query.question[0].name
        if name.to_text() == "www.example.org." and query.question[0].rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.1"))
        self.transport.sendto(answer.to_wire(), addr)  # type: ignore[attr-defined]


@dataclass
class Cluster:
    """The running pair."""

    plane: Node
    worker: Node
    namespaces: list[int]
    upstream: Upstream


def inputs(kind: machine_types.MachineType, name: str) -> list[object]:
    text = CONFIG.format(type=kind, id=CLUSTER_ID, secret=SECRET).encode()
    found: list[object] = [
        MachineConfig("v1alpha1", MachineConfig.Spec(source=text)),
        MachineType("machine-type", MachineType.Spec(machine_type=kind)),
        NodeAddressFilter("no-k8s", NodeAddressFilter.Spec(exclude_subnets=("10.244.0.0/16", "10.96.0.0/12"))),
        NodeAddressFilter("only-k8s", NodeAddressFilter.Spec(include_subnets=("10.244.0.0/16", "10.96.0.0/12"))),
        Nodename("nodename", Nodename.Spec(nodename=name)),
        EtcFileStatus("hosts"),
    ]
    if kind is machine_types.MachineType.CONTROL_PLANE:
        found.append(APIServerConfig("kube-apiserver", APIServerConfig.Spec(local_port=6443)))
    return found


class Hub:
    """The bridge's own machine: discovery service and resolver."""

    def __init__(self, namespace: int) -> None:
        self.namespace = namespace
        self.server = discovery.Server()
        self.upstream = Upstream()

    @contextlib.asynccontextmanager
    async def running(self):  # type: ignore[no-untyped-def]
        await self.server.start("10.77.0.1", 3000)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self.upstream, local_addr=("10.77.0.1", 53)
        )
        try:
            yield
        finally:
            transport.close()
            await self.server.close()


@contextlib.contextmanager
def hub(namespace: int) -> Iterator[Upstream]:
    import threading

    ready, done = threading.Event(), threading.Event()
    machine = Hub(namespace)

    async def main() -> None:
        async with machine.running():
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: netns.run_inside(namespace, main, timeout_s=110))
    thread.start()
    assert ready.wait(10)
    try:
        yield machine.upstream
    finally:
        done.set()
        thread.join()


def prepare(namespace: int, directory: Path, name: str) -> None:
    """What the provisioner does before the node starts."""
    (directory / "etc").mkdir(parents=True)
    (directory / "etc" / "hostname").write_text(f"{name}\n")
    (directory / "etc" / "resolv.conf").write_text("nameserver 10.77.0.1\n")
    with netlink.Route(namespace) as rt:
        gateway = ipaddress.ip_address("10.77.0.1")
        rt.route_replace(route.Route(gateway=gateway, index=rt.index("eth0")))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    base = tmp_path_factory.mktemp("nodes")
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(netns.bridged(2))
        upstream = stack.enter_context(hub(made[2]))
        nodes = []
        for i, (name, kind) in enumerate(
            (("cp-1", machine_types.MachineType.CONTROL_PLANE), ("worker-1", machine_types.MachineType.WORKER))
        ):
            prepare(made[i], base / name, name)
            nodes.append(stack.enter_context(Node(made[i], base / name, PACKAGES, inputs(kind, name))))  # type: ignore[arg-type]
        yield Cluster(nodes[0], nodes[1], made, upstream)


@pytest.mark.feature("L001", "L024", "E178", "R009", "E142", "E157", "E158", "E165", "E166", "E180", "E181")
def test_the_network_becomes_ready_with_what_the_provisioner_made(cluster: Cluster) -> None:
    node = cluster.plane
    node.wait(NetworkStatus, "status", lambda s: s.address_ready and s.connectivity_ready and s.hostname_ready)
    status = node.wait(NetworkStatus, "status", lambda s: s.etc_files_ready).spec
    assert status.connectivity_ready
    assert node.wait(HostnameStatus, "hostname").spec.hostname == "cp-1"
    assert node.wait(ResolverStatus, "resolvers").spec.dns_servers == ("10.77.0.1",)
    assert node.wait(TimeServerStatus, "timeservers").spec.ntp_servers == ("time.cloudflare.com",)
    assert socket.gethostname() != "cp-1"


@pytest.mark.feature("E148", "E129", "E170")
def test_links_addresses_and_routes_are_reported(cluster: Cluster) -> None:
    node = cluster.plane
    link = node.wait(LinkStatus, "eth0", lambda s: s.operational_state == "up").spec
    assert (link.kind, str(link.type), link.link_state, link.driver) == ("veth", "ether", True, "veth")
    assert "LOWER_UP" in link.flags.split(",")
    address = node.wait(AddressStatus, "eth0/10.77.0.2/24").spec
    assert (address.link_name, address.local, address.broadcast) == ("eth0", "10.77.0.2", "10.77.0.255")
    default = node.wait(RouteStatus, "eth0/inet4/10.77.0.1//0").spec
    assert (default.gateway, default.out_link_name, str(default.table), str(default.type)) == (
        "10.77.0.1",
        "eth0",
        "main",
        "unicast",
    )


@pytest.mark.feature("L023", "E151")
def test_node_addresses_follow_the_kernel(cluster: Cluster) -> None:
    node = cluster.worker
    assert node.wait(NodeAddress, "default").spec.addresses == ("10.77.0.3/24",)
    with netlink.Route(cluster.namespaces[1]) as rt:
        rt.link_add_bridge("cni0", up=True)
        rt.link_add_veth("veth1", "veth2", master="cni0", up=True)
        rt.link_set("veth2", up=True)
        rt.address_add("cni0", "10.244.1.1/24")
    node.wait(NodeAddress, "current", lambda s: s.addresses == ("10.77.0.3/24", "10.244.1.1/24"))
    node.wait(NodeAddress, "current-no-k8s", lambda s: s.addresses == ("10.77.0.3/24",))
    node.wait(NodeAddress, "routed-only-k8s", lambda s: s.addresses == ("10.244.1.1/24",))
    assert node.wait(NodeAddress, "default").spec.addresses == ("10.77.0.3/24",)
    with netlink.Route(cluster.namespaces[1]) as rt:
        rt.link_delete("cni0")
        rt.link_delete("veth1")
    node.wait(NodeAddress, "current", lambda s: s.addresses == ("10.77.0.3/24",))
    assert "10.244.1.1/24" in node.wait(NodeAddress, "accumulative").spec.addresses


@pytest.mark.feature("L032", "E126")
def test_address_events(cluster: Cluster) -> None:
    node = cluster.plane
    node.wait(HostnameStatus, "hostname")
    deadline = time.monotonic() + 10
    while True:
        published = [one.payload for one in node.events._ring if one.type_url == "talos/runtime/machine.AddressEvent"]
        if published and published[-1].hostname:  # type: ignore[attr-defined]
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (published[-1].hostname, list(published[-1].addresses)) == ("cp-1", ["10.77.0.2"])  # type: ignore[attr-defined]


@pytest.mark.feature("N004", "E041")
def test_identity_is_made_once_and_names_the_machine(cluster: Cluster, tmp_path: Path) -> None:
    identity = cluster.plane.wait(Identity, "local").spec.node_id
    machine_id = cluster.plane.wait(EtcFileSpec, "machine-id").spec.contents.decode()
    assert _base62.decode(identity)[:16].hex() == machine_id
    assert cluster.worker.wait(Identity, "local").spec.node_id != identity


@pytest.mark.feature("N001", "N003", "N005", "N007", "E034", "E039", "E040", "E032")
def test_members_find_each_other(cluster: Cluster) -> None:
    for node in (cluster.plane, cluster.worker):
        plane = node.wait(Member, "cp-1").spec
        worker = node.wait(Member, "worker-1").spec
        assert plane.addresses == ("10.77.0.2",)
        assert str(plane.machine_type) == "controlplane"
        assert plane.operating_system.startswith("Talos (v")
        assert plane.control_plane is not None
        assert plane.control_plane.api_server_port == 6443
        assert worker.addresses == ("10.77.0.3",)
        assert worker.control_plane is None
    raw = [one.id for one in cluster.plane.list(Affiliate, namespace="cluster-raw")]
    worker_id = cluster.worker.wait(Identity, "local").spec.node_id
    assert raw == [f"service/local/{worker_id}"]


@pytest.mark.feature("N008")
def test_the_address_the_service_sees_is_known(cluster: Cluster) -> None:
    cluster.worker.wait(AddressStatus, "service/local/10.77.0.3/32", namespace="cluster")


@pytest.mark.feature("N010", "M023", "E035")
def test_control_plane_endpoints(cluster: Cluster) -> None:
    cluster.worker.wait(Endpoint, "discovery", lambda s: s.addresses == ("10.77.0.2",))


@pytest.mark.feature("N011", "E036")
def test_cluster_info(cluster: Cluster) -> None:
    info = cluster.worker.wait(Info, "current").spec
    assert (info.cluster_id, info.cluster_name) == (CLUSTER_ID, "blue")


@pytest.mark.feature("R010", "E246")
def test_time_counts_as_synchronised(cluster: Cluster) -> None:
    status = cluster.plane.wait(TimeStatus, "node").spec
    assert status.synced
    assert status.sync_disabled


@pytest.mark.feature("L020", "L021", "E133", "E139")
def test_files(cluster: Cluster) -> None:
    node = cluster.plane
    hosts = node.wait(EtcFileSpec, "hosts", lambda s: b"cp-1" in s.contents).spec.contents.decode()
    rows = [line.split() for line in hosts.splitlines()]
    assert ["127.0.0.1", "localhost"] in rows
    assert ["10.77.0.2", "cp-1"] in rows
    assert ["192.0.2.80", "registry.example.org"] in rows
    assert node.find(EtcFileSpec, "resolv.conf") is None
    assert node.wait(StaticHost, "registry.example.org").spec.addresses == ("192.0.2.80",)
    deadline = time.monotonic() + 10
    while (file := node._directory / "resolv.conf") and not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert file.read_text() == "nameserver 169.254.116.108\n"


def ask(cluster: Cluster, server: str, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, kind)

    async def main() -> dns.message.Message:
        loop = asyncio.get_running_loop()
        if tcp:
            reader, writer = await asyncio.open_connection(server, 53)
            wire = query.to_wire()
            writer.write(len(wire).to_bytes(2, "big") + wire)
            data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            writer.close()
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            await loop.sock_connect(sock, (server, 53))
            await loop.sock_sendall(sock, query.to_wire())
            data = await asyncio.wait_for(loop.sock_recv(sock, 65535), 6)
            sock.close()
        answer = dns.message.from_wire(data)
        assert query.is_response(answer)
        return answer

    return cluster.worker.call(main)


@pytest.mark.feature("L019", "E131", "E132", "E138")
@pytest.mark.parametrize("server", ["127.0.0.53", "169.254.116.108"])
def test_host_dns_forwards_on_both_addresses(cluster: Cluster, server: str) -> None:
    cluster.worker.wait(DNSResolveCach, f"udp-{server}:53", lambda s: s.status == "running")
    cluster.worker.wait(DNSResolveCach, f"tcp-{server}:53", lambda s: s.status == "running")
    answer = ask(cluster, server, "www.example.org")
    assert [str(one) for one in answer.answer[0]] == ["192.0.2.1"]
    before = cluster.upstream.queries
    again = ask(cluster, server, "WWW.Example.ORG")
    assert [str(one) for one in again.answer[0]] == ["192.0.2.1"]
    assert cluster.upstream.queries == before


@pytest.mark.feature("N012", "L019")
def test_host_dns_knows_members_and_static_hosts(cluster: Cluster) -> None:
    cluster.worker.wait(Member, "cp-1")
    cluster.worker.wait(DNSResolveCach, "udp-127.0.0.53:53")
    for tcp in (False, True):
        answer = ask(cluster, "127.0.0.53", "cp-1", tcp=tcp)
        assert [str(one) for one in answer.answer[0]] == ["10.77.0.2"]
    assert [str(one) for one in ask(cluster, "127.0.0.53", "registry.example.org").answer[0]] == ["192.0.2.80"]
    empty = ask(cluster, "127.0.0.53", "cp-1", "AAAA")
    assert (empty.rcode(), empty.answer) == (0, [])


@pytest.mark.feature("M022", "E098", "E099", "E100")
def test_kubeprism_balances_over_the_control_plane(cluster: Cluster) -> None:
    config = cluster.worker.wait(KubePrismConfig, "k8s-loadbalancer-config", lambda s: len(s.endpoints) >= 2).spec
    assert (config.host, config.port) == ("127.0.0.1", 7445)
    assert {(one.host, one.port) for one in config.endpoints} == {("10.77.0.2", 6443), ("10.77.0.1", 6443)}
    cluster.worker.wait(KubePrismStatus, "k8s-loadbalancer", lambda s: not s.healthy)

    async def serve() -> asyncio.Server:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"api")
            writer.close()

        return await asyncio.start_server(answer, "10.77.0.2", 6443)

    server = cluster.plane.call(serve)
    cluster.worker.wait(KubePrismStatus, "k8s-loadbalancer", lambda s: s.healthy)

    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", 7445)
        data = await reader.read()
        writer.close()
        return data

    assert cluster.worker.call(talk) == b"api"

    async def stop() -> None:
        server.close()

    cluster.plane.call(stop)


@pytest.mark.feature("N009", "E034")
def test_a_reset_node_withdraws(cluster: Cluster) -> None:
    cluster.plane.wait(Member, "worker-1")
    cluster.worker.put(MachineResetSignal("machine"))
    deadline = time.monotonic() + 10
    while cluster.plane.find(Member, "worker-1") is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert cluster.plane.find(Member, "worker-1") is None
