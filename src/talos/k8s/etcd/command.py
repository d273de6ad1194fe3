"""etcd's command line and the decision how a node takes part in the cluster."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from talos.base.constants import paths, ports
from talos.k8s import args
from talos.k8s.args import Merge

BINARY: Final = PurePath("/usr/local/bin/etcd")
_DENIED: Final = (
    "name", "data-dir", "listen-peer-urls", "listen-client-urls", "cert-file", "key-file", "trusted-ca-file",
    "client-cert-auth", "peer-cert-file", "peer-key-file", "peer-trusted-ca-file", "peer-client-cert-auth",
    "auto-tls", "peer-auto-tls", "tls-min-version",
)  # fmt: skip


class Start(enum.Enum):
    """How etcd starts on this node."""

    NEW = enum.auto()
    """The first member of a new cluster."""
    JOIN = enum.auto()
    """A further member; the cluster has been told."""
    CONTINUE = enum.auto()
    """The data directory knows everything."""


@dataclass(frozen=True, slots=True)
class Node:
    """What of the etcd spec the command line needs."""

    name: str
    advertised: Sequence[str]
    listen_peer: Sequence[str]
    listen_client: Sequence[str]


def url(address: str, port: int) -> str:
    """Return https URL of an address."""
    return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"


def urls(addresses: Sequence[str], port: int) -> str:
    """Return comma-separated https URLs."""
    return ",".join(url(address, port) for address in addresses)


def peer_urls(addresses: Sequence[str]) -> list[str]:
    """Return where other members reach a member with these addresses."""
    return [url(address, ports.ETCD_PEER) for address in addresses]


def initial_cluster(members: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return `name=url,…` for (name, peer URLs) of every member."""
    return ",".join(f"{name}={peer}" for name, peers in members for peer in peers)


def command_line(node: Node, start: Start, cluster: str, extra: Mapping[str, Sequence[str]]) -> list[str]:
    """Return etcd's command. `cluster` is the initial cluster unless the node continues. Raises Invalid."""
    pki = paths.ETCD_PKI
    base: args.Args = {
        flag: [str(value)]
        for flag, value in {
            "auto-tls": "false",
            "cert-file": pki / "server.crt",
            "client-cert-auth": "true",
            "data-dir": paths.ETCD_DATA,
            "key-file": pki / "server.key",
            "listen-client-http-urls": urls(node.listen_client, ports.ETCD_CLIENT_HTTP),
            "listen-client-urls": urls(node.listen_client, ports.ETCD_CLIENT),
            "listen-peer-urls": urls(node.listen_peer, ports.ETCD_PEER),
            "name": node.name,
            "peer-auto-tls": "false",
            "peer-cert-file": pki / "peer.crt",
            "peer-client-cert-auth": "true",
            "peer-key-file": pki / "peer.key",
            "peer-trusted-ca-file": pki / "ca.crt",
            "tls-min-version": "TLS1.3",
            "trusted-ca-file": pki / "ca.crt",
            "advertise-client-urls": urls(node.advertised, ports.ETCD_CLIENT),
            "initial-advertise-peer-urls": urls(node.advertised, ports.ETCD_PEER),
            "initial-cluster-state": "new" if start is Start.NEW else "existing",
        }.items()
    }
    # A member whose data is damaged must not start serving it.
    base["feature-gates"] = ["InitialCorruptCheck=true,CompactHashCheck=true"]
    if start is not Start.CONTINUE:
        base["initial-cluster"] = [cluster]
    policies = {**dict.fromkeys(_DENIED, Merge.DENIED), "feature-gates": Merge.ADDITIVE}
    return [str(BINARY), *args.command_line(args.merge(base, extra, policies))]
