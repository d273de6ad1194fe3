"""Commands that print one table: their columns, their order, what stands in a cell."""

from __future__ import annotations

import pytest

from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import status
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster


def _memory(request: object, node: str) -> machine_pb2.MemoryResponse:
    info = machine_pb2.MemInfo(
        memtotal=4 << 20, memfree=1 << 20, memavailable=2 << 20, buffers=1 << 10, cached=1 << 20, shmem=2 << 10
    )
    return machine_pb2.MemoryResponse(messages=[machine_pb2.Memory(meminfo=info)])


@pytest.mark.feature("G006")
def test_memory_has_a_line_per_node_in_the_order_asked(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Memory", _memory)
    ran = cluster.run("memory", nodes="10.5.0.3,10.5.0.2")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines == [
        "NODE       TOTAL   USED   FREE   SHARED   BUFFERS   CACHE   AVAILABLE",
        "10.5.0.3   4096    2047   1024   2        1         1024    2048",
        "10.5.0.2   4096    2047   1024   2        1         1024    2048",
    ]
    assert sorted(node for _, node, _ in cluster.asked) == ["10.5.0.2", "10.5.0.3"]


@pytest.mark.feature("G006")
def test_a_failing_node_is_named_and_the_others_are_still_shown(cluster: Cluster) -> None:
    def answer(request: object, node: str) -> machine_pb2.MemoryResponse:
        if node == "10.5.0.3":
            raise status.RpcError(status.Code.UNAVAILABLE, "connection refused")
        return _memory(request, node)

    cluster.serve(f"{MACHINE}Memory", answer)
    ran = cluster.run("free", nodes="10.5.0.2,10.5.0.3")
    assert ran.code == 1
    assert [line.split()[0] for line in ran.lines] == ["NODE", "10.5.0.2"]
    assert ran.err == "10.5.0.3: rpc error: code = Unavailable desc = connection refused\n"


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        (status.Code.NOT_FOUND, 3),
        (status.Code.PERMISSION_DENIED, 4),
        (status.Code.UNAVAILABLE, 5),
        (status.Code.DEADLINE_EXCEEDED, 6),
        (status.Code.FAILED_PRECONDITION, 7),
        (status.Code.INVALID_ARGUMENT, 2),
        (status.Code.INTERNAL, 1),
    ],
)
def test_the_exit_code_tells_the_kind_of_failure(cluster: Cluster, code: status.Code, exit_code: int) -> None:
    def answer(request: object, node: str) -> machine_pb2.MemoryResponse:
        raise status.RpcError(code, "no")

    cluster.serve(f"{MACHINE}Memory", answer)
    assert cluster.run("memory").code == exit_code


def test_containers_of_kubernetes_hang_below_their_pods(cluster: Cluster) -> None:
    pod = machine_pb2.ContainerInfo(
        namespace="k8s.io",
        id="kube-system/dns",
        pod_id="kube-system/dns",
        image="pause:1",
        pid=7,
        status="SANDBOX_READY",
    )
    inner = machine_pb2.ContainerInfo(
        namespace="k8s.io",
        id="kube-system/dns:coredns:0123",
        pod_id="kube-system/dns",
        image="coredns:1",
        pid=8,
        status="CONTAINER_RUNNING",
    )
    answer = machine_pb2.ContainersResponse(messages=[machine_pb2.Container(containers=[inner, pod])])
    cluster.serve(f"{MACHINE}Containers", answer)
    ran = cluster.run("containers", "-k")
    assert ran.lines == [
        "NODE       NAMESPACE   ID                                IMAGE       PID   STATUS",
        "10.5.0.2   k8s.io      kube-system/dns                   pause:1     7     SANDBOX_READY",
        "10.5.0.2   k8s.io      └─ kube-system/dns:coredns:0123   coredns:1   8     CONTAINER_RUNNING",
    ]
    (request,) = cluster.requests(f"{MACHINE}Containers")
    assert (request.namespace, request.driver) == ("k8s.io", common_pb2.CRI)
