"""etcd members, status, alarms, snapshot and the rest."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import status
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster

_ID = 0x00FF00FF00FF0001


def test_members(cluster: Cluster) -> None:
    member = machine_pb2.EtcdMember(
        id=_ID,
        hostname="cp-1",
        peer_urls=["https://10.5.0.2:2380", "https://[fd00::2]:2380"],
        client_urls=["https://10.5.0.2:2379"],
        is_learner=True,
    )
    answer = machine_pb2.EtcdMemberListResponse(messages=[machine_pb2.EtcdMembers(members=[member])])
    cluster.serve(f"{MACHINE}EtcdMemberList", answer)
    assert [line.split() for line in cluster.run("etcd", "members").lines] == [
        ["NODE", "ID", "HOSTNAME", "PEER", "URLS", "CLIENT", "URLS", "LEARNER"],
        ["10.5.0.2", "00ff00ff00ff0001", "cp-1", "https://10.5.0.2:2380,https://[fd00::2]:2380",
         "https://10.5.0.2:2379", "true"],
    ]  # fmt: skip
    assert [r.query_local for r in cluster.requests(f"{MACHINE}EtcdMemberList")] == [True]


def test_status(cluster: Cluster) -> None:
    member = machine_pb2.EtcdMemberStatus(
        member_id=_ID, leader=1, db_size=4_000_000, db_size_in_use=1_000_000, raft_index=9, raft_term=2,
        raft_applied_index=8, protocol_version="3.6.1", storage_version="3.6.0", errors=["NOSPACE"],
    )  # fmt: skip
    answer = machine_pb2.EtcdStatusResponse(messages=[machine_pb2.EtcdStatus(member_status=member)])
    cluster.serve(f"{MACHINE}EtcdStatus", answer)
    assert cluster.run("etcd", "status").lines == [
        "NODE       MEMBER             DB SIZE   IN USE            LEADER             RAFT INDEX   RAFT TERM   "
        "RAFT APPLIED INDEX   LEARNER   PROTOCOL   STORAGE   ERRORS",
        "10.5.0.2   00ff00ff00ff0001   4.0 MB    1.0 MB (25.00%)   0000000000000001   9            2           "
        "8                    false     3.6.1      3.6.0     NOSPACE",
    ]


@pytest.mark.parametrize(("word", "kind"), [("list", "EtcdAlarm"), ("disarm", "EtcdAlarmDisarm")])
def test_alarms(cluster: Cluster, word: str, kind: str) -> None:
    method = "EtcdAlarmList" if word == "list" else "EtcdAlarmDisarm"
    alarm = machine_pb2.EtcdMemberAlarm(alarm=machine_pb2.EtcdMemberAlarm.NOSPACE, member_id=_ID)
    reply, message = getattr(machine_pb2, f"{method}Response"), getattr(machine_pb2, kind)
    cluster.serve(f"{MACHINE}{method}", reply(messages=[message(member_alarms=[alarm])]))
    assert cluster.run("etcd", "alarm", word).lines == [
        "NODE       MEMBER             ALARM",
        "10.5.0.2   00ff00ff00ff0001   NOSPACE",
    ]
    cluster.serve(f"{MACHINE}{method}", reply(messages=[message()]))
    assert cluster.run("etcd", "alarm", word).out == ""


def _snapshot() -> bytes:
    pages = bytes(range(256)) * 16
    return pages + hashlib.sha256(pages).digest()


def test_a_snapshot_appears_when_it_is_whole(cluster: Cluster, tmp_path: Path) -> None:
    data = _snapshot()
    cluster.serve(
        f"{MACHINE}EtcdSnapshot", [common_pb2.Data(bytes=data[n : n + 1000]) for n in range(0, len(data), 1000)]
    )
    target = tmp_path / "db.snapshot"
    ran = cluster.run("etcd", "snapshot", str(target))
    assert (ran.code, ran.out) == (0, "")
    assert f"{len(data)} bytes" in ran.err
    assert target.read_bytes() == data
    assert target.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.glob("db*")] == ["db.snapshot"]


def test_half_a_snapshot_is_none(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve(f"{MACHINE}EtcdSnapshot", [common_pb2.Data(bytes=_snapshot()[:-100])])
    target = tmp_path / "db.snapshot"
    target.write_bytes(b"old")
    assert cluster.run("etcd", "snapshot", str(target)).code == 2
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.glob("db*")] == ["db.snapshot"]


def test_members_are_removed_by_hexadecimal_id(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}EtcdRemoveMemberByID", machine_pb2.EtcdRemoveMemberByIDResponse())
    assert cluster.run("etcd", "remove-member", "00ff00ff00ff0001").code == 0
    assert [r.member_id for r in cluster.requests(f"{MACHINE}EtcdRemoveMemberByID")] == [_ID]
    ran = cluster.run("etcd", "remove-member", "cp-1")
    assert ran.code == 2
    assert len(cluster.asked) == 1


@pytest.mark.parametrize(
    ("words", "method", "answer"),
    [
        (("leave",), "EtcdLeaveCluster", machine_pb2.EtcdLeaveClusterResponse()),
        (("forfeit-leadership",), "EtcdForfeitLeadership", machine_pb2.EtcdForfeitLeadershipResponse()),
        (("defrag",), "EtcdDefragment", machine_pb2.EtcdDefragmentResponse()),
    ],
)
def test_what_says_nothing_when_it_works(cluster: Cluster, words: tuple[str, ...], method: str, answer: Any) -> None:
    cluster.serve(f"{MACHINE}{method}", answer)
    ran = cluster.run("etcd", *words)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert len(cluster.requests(f"{MACHINE}{method}")) == 1


@pytest.mark.parametrize("word", ["enable", "validate", "cancel"])
def test_downgrades(cluster: Cluster, word: str) -> None:
    name = f"EtcdDowngrade{word.capitalize()}"
    message = getattr(machine_pb2, name)(cluster_downgrade=machine_pb2.EtcdClusterDowngrade(cluster_version="3.7"))
    cluster.serve(f"{MACHINE}{name}", getattr(machine_pb2, f"{name}Response")(messages=[message]))
    ran = cluster.run("etcd", "downgrade", word, *(() if word == "cancel" else ("3.6",)))
    assert ran.lines == ["NODE       CLUSTER VERSION", "10.5.0.2   3.7"]
    if word != "cancel":
        assert [r.version for r in cluster.requests(f"{MACHINE}{name}")] == ["3.6"]


def test_a_refused_downgrade(cluster: Cluster) -> None:
    def answer(request: object, node: str) -> Any:
        raise status.RpcError(status.Code.FAILED_PRECONDITION, "cluster has another version")

    cluster.serve(f"{MACHINE}EtcdDowngradeEnable", answer)
    assert cluster.run("etcd", "downgrade", "enable", "3.1").code == 7


@pytest.mark.parametrize("words", [("snapshot", "x"), ("defrag",), ("remove-member", "1")])
def test_what_is_for_one_node_only(cluster: Cluster, words: tuple[str, ...]) -> None:
    ran = cluster.run("etcd", *words, nodes="10.5.0.2,10.5.0.3")
    assert (ran.code, cluster.asked) == (2, [])
