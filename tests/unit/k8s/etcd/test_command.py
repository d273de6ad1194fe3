"""etcd's command line."""

from __future__ import annotations

import pytest

from talos.base import errors
from talos.k8s.etcd import client, command, membership

NODE = command.Node("cp-1", ("10.5.0.2", "fd00::2"), ("0.0.0.0",), ("0.0.0.0",))


def flags(start: command.Start, cluster: str = "", extra: dict[str, list[str]] | None = None) -> dict[str, str]:
    program, *words = command.command_line(NODE, start, cluster, extra or {})
    assert program == "/usr/local/bin/etcd"
    return dict(word.removeprefix("--").split("=", 1) for word in words)


@pytest.mark.feature("M002")
def test_new_cluster() -> None:
    cluster = command.initial_cluster([("cp-1", command.peer_urls(NODE.advertised))])
    found = flags(command.Start.NEW, cluster)
    assert found["initial-cluster"] == "cp-1=https://10.5.0.2:2380,cp-1=https://[fd00::2]:2380"
    assert found["initial-cluster-state"] == "new"
    assert found["advertise-client-urls"] == "https://10.5.0.2:2379,https://[fd00::2]:2379"
    assert found["initial-advertise-peer-urls"] == "https://10.5.0.2:2380,https://[fd00::2]:2380"
    assert found["listen-client-urls"] == "https://0.0.0.0:2379"
    assert found["listen-client-http-urls"] == "https://0.0.0.0:2383"
    assert found["listen-peer-urls"] == "https://0.0.0.0:2380"


@pytest.mark.feature("M002")
def test_everybody_needs_a_certificate() -> None:
    found = flags(command.Start.NEW, "c")
    assert found["client-cert-auth"] == found["peer-client-cert-auth"] == "true"
    assert found["auto-tls"] == found["peer-auto-tls"] == "false"
    assert found["tls-min-version"] == "TLS1.3"
    assert found["trusted-ca-file"] == found["peer-trusted-ca-file"] == "/system/secrets/etcd/ca.crt"
    assert (found["cert-file"], found["key-file"]) == (
        "/system/secrets/etcd/server.crt",
        "/system/secrets/etcd/server.key",
    )
    assert found["peer-cert-file"] == "/system/secrets/etcd/peer.crt"
    assert found["data-dir"] == "/var/lib/etcd"


def test_a_member_with_data_names_no_cluster() -> None:
    found = flags(command.Start.CONTINUE)
    assert "initial-cluster" not in found
    assert found["initial-cluster-state"] == "existing"
    assert flags(command.Start.JOIN, "a=https://10.5.0.3:2380")["initial-cluster-state"] == "existing"


@pytest.mark.feature("M011")
def test_what_the_user_may_add_and_what_not() -> None:
    extra = {"election-timeout": ["5000"], "feature-gates": ["X=true"]}
    found = flags(command.Start.CONTINUE, extra=extra)
    assert found["election-timeout"] == "5000"
    assert found["feature-gates"] == "InitialCorruptCheck=true,CompactHashCheck=true,X=true"
    for refused in ("name", "data-dir", "cert-file", "listen-peer-urls", "client-cert-auth", "tls-min-version"):
        with pytest.raises(errors.Invalid, match=refused):
            flags(command.Start.CONTINUE, extra={refused: ["x"]})


def member(id: int, name: str, *peers: str, learner: bool = False) -> client.Member:
    return client.Member(id, name, peers, (), learner)


def test_members_that_stand_for_this_node() -> None:
    mine = ["https://10.5.0.2:2380"]
    other = member(1, "cp-2", "https://10.5.0.3:2380")
    earlier = member(2, "cp-1", "https://10.5.0.9:2380")
    interrupted = member(3, "", "https://10.5.0.2:2380", learner=True)
    assert membership.stale([other, earlier, interrupted], "cp-1", mine) == [earlier, interrupted]
    assert not membership.stale([other], "cp-1", mine)
