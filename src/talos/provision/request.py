"""What a person wants of a local cluster: the frozen request every later decision is made from.

Parsing and validation of everything that can be judged without looking at the machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from talos.base import errors

DEFAULT_NAME = "talos-default"
DEFAULT_CIDR = "10.5.0.0/24"
GIB = 1024**3
MIB = 1024**2
DISK_MIN_BYTES = 2 * GIB
MEMORY_MIN_BYTES = 512 * MIB
_MAX_NODES = 250
# What the generated configs give to pods and services.
_RESERVED = (ipaddress.ip_network("10.244.0.0/16"), ipaddress.ip_network("10.96.0.0/12"))
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_NAME_MAX = 40  # leaves room for "-controlplane-100" in a host name of 63 characters
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)")
_UNITS = {
    "": 1000**2,
    "b": 1,
    "kb": 1000,
    "k": 1024,
    "ki": 1024,
    "kib": 1024,
    "mb": 1000**2,
    "m": MIB,
    "mi": MIB,
    "mib": MIB,
    "gb": 1000**3,
    "g": GIB,
    "gi": GIB,
    "gib": GIB,
}


class Role(StrEnum):
    """What a node is for; the value is the machine type of the config and part of the node's name."""

    CONTROL_PLANE = "controlplane"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits of one node: CPU in millicores, memory and EPHEMERAL in bytes."""

    cpu_millicores: int = 2000
    memory_bytes: int = 2 * GIB
    disk_bytes: int = 10 * GIB


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `number` counts within the role from 1 and is never used twice; `ip` is its address on eth0."""

    name: str
    role: Role
    number: int
    ip: str
    resources: Resources


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the host that leads to the first control plane."""

    host_ip: str
    host_port: int
    node_port: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.host_port}:{self.node_port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class HostMount:
    """A file or folder of the host that every node sees."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A cluster. `endpoint` replaces the address clients use for Kubernetes; empty leaves it to the provider."""

    name: str
    cidr: str
    nodes: tuple[Node, ...]
    ports: tuple[Port, ...] = ()
    mounts: tuple[HostMount, ...] = ()
    mtu: int = 1500
    endpoint: str = ""

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The cluster's network."""
        return ipaddress.IPv4Network(self.cidr)

    @property
    def gateway(self) -> str:
        """The host's address on the bridge."""
        return str(self.network[1])

    @property
    def control_planes(self) -> tuple[Node, ...]:
        """The control plane nodes, first made first."""
        return tuple(node for node in self.nodes if node.role is Role.CONTROL_PLANE)

    @property
    def workers(self) -> tuple[Node, ...]:
        """The other nodes."""
        return tuple(node for node in self.nodes if node.role is Role.WORKER)

    def node(self, name: str) -> Node:
        """The node with this name or address. Raises NotFound."""
        for node in self.nodes:
            if name in (node.name, node.ip):
                return node
        raise errors.NotFound(
            f"cluster {self.name} has no node {name} (it has {', '.join(n.name for n in self.nodes)})"
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The reverse of `dataclasses.asdict`."""
        nodes = (
            Node(**{**node, "role": Role(node["role"]), "resources": Resources(**node["resources"])})
            for node in content["nodes"]
        )
        return cls(
            **{
                **content,
                "nodes": tuple(nodes),
                "ports": tuple(Port(**port) for port in content["ports"]),
                "mounts": tuple(HostMount(**mount) for mount in content["mounts"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Names:
    """Names of what a cluster has on the host. Two clusters never share one: each carries a digest of where the
    cluster's state is kept and what it is called, so equal names in two state folders do not meet either."""

    id: str
    bridge: str
    table: str
    cgroup: str

    @classmethod
    def of(cls, state_folder: Path, cluster: str) -> Self:
        """Derive them; `state_folder` is the folder that holds all clusters."""
        digest = hashlib.sha256(f"{os.path.realpath(state_folder)}/{cluster}".encode()).hexdigest()[:8]
        return cls(digest, f"talos{digest}", f"talos_{digest}", f"talos/{cluster}.{digest}")

    def link(self, node: Node) -> str:
        """Host end of the node's veth: at most 15 characters."""
        letter = "c" if node.role is Role.CONTROL_PLANE else "w"
        return f"t{self.id}{letter}{node.number}"

    def node_cgroup(self, node: Node) -> str:
        """The cgroup of one node's launcher (`launcher`) and machine (`machine`)."""
        return f"{self.cgroup}/{node.name}"


def build(
    *,
    name: str = DEFAULT_NAME,
    cidr: str = DEFAULT_CIDR,
    control_planes: int = 1,
    workers: int = 1,
    control_plane_resources: Resources | None = None,
    worker_resources: Resources | None = None,
    ports: Sequence[Port] = (),
    mounts: Sequence[HostMount] = (),
    mtu: int = 1500,
    endpoint: str = "",
) -> Request:
    """The request for a new cluster with names and addresses given out. Raises Invalid with every problem."""
    control, worker = control_plane_resources or Resources(), worker_resources or Resources()
    problems = [*_name_problems(name), *_count_problems(control_planes, workers)]
    if control == worker:
        problems += _resource_problems("each node", control)
    else:
        problems += _resource_problems("control planes", control) + _resource_problems("workers", worker)
    if not 1280 <= mtu <= 65535:
        problems.append(f"MTU {mtu}: it has to be from 1280 to 65535")
    network_problems = _network_problems(cidr, control_planes + workers)
    problems += network_problems
    if problems:
        raise errors.Invalid([errors.Problem(problem) for problem in problems])
    network = ipaddress.IPv4Network(cidr)
    nodes: list[Node] = []
    for role, count, resources in ((Role.CONTROL_PLANE, control_planes, control), (Role.WORKER, workers, worker)):
        for number in range(1, count + 1):
            nodes.append(Node(f"{name}-{role}-{number}", role, number, str(network[2 + len(nodes)]), resources))
    return Request(name, str(network), tuple(nodes), tuple(ports), tuple(mounts), mtu, endpoint)


def with_node(
    request: Request, role: Role, resources: Resources, used_numbers: Mapping[Role, int]
) -> tuple[Request, Node]:
    """The request with one more node, at the first free address. Raises Invalid when the network is full."""
    if problems := _resource_problems("the node", resources):
        raise errors.Invalid([errors.Problem(problem) for problem in problems])
    taken = {node.ip for node in request.nodes}
    free = (str(ip) for ip in list(request.network.hosts())[1:] if str(ip) not in taken)
    ip = next(free, None)
    if ip is None:
        raise errors.Invalid(f"no address is left in {request.cidr} for one more node")
    number = max([used_numbers.get(role, 0), *(n.number for n in request.nodes if n.role is role)], default=0) + 1
    node = Node(f"{request.name}-{role}-{number}", role, number, ip, resources)
    return dataclasses.replace(request, nodes=(*request.nodes, node)), node


def without_node(request: Request, node: Node) -> Request:
    """The request without the node."""
    return dataclasses.replace(request, nodes=tuple(one for one in request.nodes if one.name != node.name))


def _name_problems(name: str) -> list[str]:
    if not _LABEL.fullmatch(name):
        return [
            f"cluster name {name!r}: lower-case letters, digits and inner dashes only (it becomes part of host names)"
        ]
    if len(name) > _NAME_MAX:
        return [f"cluster name {name!r} has {len(name)} characters, at most {_NAME_MAX} are possible"]
    return []


def check_name(name: str) -> str:
    """Return the name if a cluster can have it. Raises Invalid."""
    if problems := _name_problems(name):
        raise errors.Invalid(problems[0])
    return name


def _count_problems(control_planes: int, workers: int) -> list[str]:
    if control_planes < 1:
        return ["a cluster needs at least one control plane"]
    if workers < 0:
        return [f"{workers} workers"]
    if control_planes + workers > _MAX_NODES:
        return [f"{control_planes + workers} nodes, at most {_MAX_NODES} are possible"]
    return []


def _resource_problems(whose: str, resources: Resources) -> list[str]:
    problems = []
    if resources.cpu_millicores < 100:
        problems.append(f"CPUs of {whose}: at least 0.1")
    if resources.memory_bytes < MEMORY_MIN_BYTES:
        problems.append(f"memory of {whose}: at least {MEMORY_MIN_BYTES // MIB} MiB")
    if resources.disk_bytes < DISK_MIN_BYTES:
        problems.append(f"disk of {whose}: at least {DISK_MIN_BYTES // GIB} GiB")
    return problems


def _network_problems(cidr: str, nodes: int) -> list[str]:
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        return [f"network {cidr!r}: {error}"]
    if not network.is_private or network.is_loopback or network.is_link_local or network.is_multicast:
        return [f"network {cidr}: not a private network"]
    # Network, gateway and broadcast address are not for nodes.
    if network.num_addresses < nodes + 3:
        return [f"network {cidr} is too small: it has {max(0, network.num_addresses - 3)} addresses for {nodes} nodes"]
    for reserved in _RESERVED:
        if network.overlaps(reserved):
            return [f"network {cidr} overlaps {reserved}, which pods and services of the cluster use"]
    return []


def parse_cpus(text: str) -> int:
    """Millicores of "2", "1.5" or "500m". Raises Invalid."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(m?)", text.strip())
    if not match:
        raise errors.Invalid(f"{text!r} is not a number of CPUs (examples: 2, 1.5, 500m)")
    return round(float(match[1]) * (1 if match[2] else 1000))


def parse_size(text: str) -> int:
    """Bytes of "2GiB", "2.0GB", "512MiB"; a bare number counts megabytes. Raises Invalid."""
    match = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise errors.Invalid(f"{text!r} is not a size (examples: 2GiB, 512MiB, 2048)")
    return int(float(match[1]) * unit)


def parse_ports(text: str, host_ip: str = "0.0.0.0") -> tuple[Port, ...]:
    """Ports of "8080:80/tcp,5353:53/udp"; a single port stands for both sides, no protocol for TCP. Raises Invalid."""
    try:
        address = str(ipaddress.IPv4Address(host_ip))
    except ValueError as error:
        raise errors.Invalid(f"host IP {host_ip!r}: {error}") from None
    found: list[Port] = []
    for part in (part.strip() for part in text.split(",") if part.strip()):
        match = re.fullmatch(r"(?:([0-9]+):)?([0-9]+)(?:/([a-z]+))?", part.lower())
        if not match:
            raise errors.Invalid(f"{part!r} is not <host port>:<node port>/<tcp or udp>")
        port = Port(address, int(match[1] or match[2]), int(match[2]), match[3] or "tcp")
        if port.protocol not in ("tcp", "udp") or not (0 < port.host_port < 65536 and 0 < port.node_port < 65536):
            raise errors.Invalid(f"{part!r} is not <host port>:<node port>/<tcp or udp>")
        if any((port.host_port, port.protocol) == (one.host_port, one.protocol) for one in found):
            raise errors.Invalid(f"host port {port.host_port}/{port.protocol} is given twice")
        found.append(port)
    return tuple(found)


def parse_mount(text: str) -> HostMount:
    """A mount in Docker's `--mount` syntax: "type=bind,source=/a,target=/b,readonly". Raises Invalid."""
    keys: dict[str, str] = {}
    aliases = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        keys[aliases.get(key, key)] = value
    if unknown := sorted(set(keys) - {"type", "source", "target", "readonly"}):
        raise errors.Invalid(f"mount {text!r}: unknown {', '.join(unknown)}")
    if keys.get("type", "bind") != "bind":
        raise errors.Invalid(f"mount {text!r}: only type=bind is possible")
    source, target = keys.get("source", ""), keys.get("target", "")
    if not (source.startswith("/") and target.startswith("/")) or ".." in Path(target).parts:
        raise errors.Invalid(f"mount {text!r}: source and target have to be absolute paths")
    if len(Path(target).parts) < 2:
        raise errors.Invalid(f"mount {text!r}: the target cannot be the root of the nodes")
    return HostMount(source, target, keys.get("readonly", "false") in ("", "true", "1"))
