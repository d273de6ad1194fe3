"""What to do so that links are as their specs want. Pure.

Links are handled in the order parent, master, port. A logical link whose kind or identity (VLAN id, parent) differs is
deleted and made anew; all other settings are changed in place. Physical links are only configured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from talos.linux.netlink.link import Flags, Link
from talos.machined.controllers.network import _bond
from talos.machinery.resources.network.link_spec import LinkSpec
from talos.machinery.types import network

Spec = LinkSpec.Spec


@dataclass(frozen=True, slots=True)
class Create:
    """Make a logical link. `peer` names the other end of a veth."""

    name: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a logical link."""

    name: str


@dataclass(frozen=True, slots=True)
class SetData:
    """Change settings of the link's kind."""

    name: str
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Set:
    """Change settings every link has: up, mtu, address, multicast, master ("" releases it)."""

    name: str
    settings: Mapping[str, Any]


Op = Create | Delete | SetData | Set


def master_of(spec: Spec) -> str:
    """The link this one is a port of."""
    return spec.bond_slave.master_name or spec.bridge_slave.master_name or spec.vrf_slave.master_name


def ordered(specs: Sequence[Spec]) -> list[Spec]:
    """Parents and masters before those that need them; loops in the configuration end at the first repetition."""
    by_name = {spec.name: spec for spec in specs}
    found: dict[str, Spec] = {}

    def visit(spec: Spec, path: frozenset[str]) -> None:
        if spec.name in found or spec.name in path:
            return
        for needed in (spec.parent_name, master_of(spec)):
            if needed in by_name:
                visit(by_name[needed], path | {spec.name})
        found[spec.name] = spec

    for spec in sorted(specs, key=lambda one: (one.bond_slave.slave_index, one.name)):
        visit(spec, frozenset())
    return list(found.values())


def data_of(spec: Spec, index_of: Callable[[str], int | None]) -> dict[str, Any]:
    """Settings of the link's kind for the kernel."""
    match spec.kind:
        case "vlan":
            protocol = spec.vlan.protocol.number or network.VLANProtocol.DOT1Q.number
            return {"id": spec.vlan.vid, "protocol": protocol}
        case "bridge":
            bridge = spec.bridge_master
            return {"stp_state": int(bridge.stp.enabled), "vlan_filtering": int(bridge.vlan.filtering_enabled)}
        case "bond":
            return _bond.to_kernel(spec.bond_master, index_of)
        case "vrf":
            return {"table": spec.vrf_master.table.number}
        case _:
            return {}


def _must_be_made_anew(spec: Spec, link: Link, current: Mapping[str, Link]) -> bool:
    if link.kind != spec.kind:
        return True
    if spec.kind == "vlan":
        parent = current.get(spec.parent_name)
        wanted = data_of(spec, lambda _: None)
        same = all(link.data.get(key, value) == value for key, value in wanted.items())
        return not same or (parent is not None and link.parent != parent.index)
    return spec.kind == "vrf" and link.data.get("table") != spec.vrf_master.table.number


def _kind_ops(spec: Spec, link: Link, current: Mapping[str, Link]) -> list[Op]:
    def index_of(name: str) -> int | None:
        found = current.get(name)
        return found.index if found else None

    wanted = data_of(spec, index_of)
    changed = {key: value for key, value in wanted.items() if key in link.data and link.data[key] != value}
    if not changed or spec.kind in ("vlan", "vrf"):
        return []
    if spec.kind == "bond" and "mode" in changed:
        return [Set(spec.name, {"up": False}), SetData(spec.name, spec.kind, wanted)]
    return [SetData(spec.name, spec.kind, changed)]


def _settings(spec: Spec, link: Link | None) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if spec.mtu and (link is None or link.mtu != spec.mtu):
        settings["mtu"] = spec.mtu
    address = spec.hardware_address
    if address and not spec.bond_slave.master_name and (link is None or link.address != address):
        settings["address"] = address
    if spec.multicast is not None and (link is None or bool(link.flags & Flags.MULTICAST) != spec.multicast):
        settings["multicast"] = spec.multicast
    return settings


def _common_ops(spec: Spec, link: Link | None, current: Mapping[str, Link], *, down: bool) -> list[Op]:
    ops: list[Op] = []
    settings = _settings(spec, link)
    wanted = master_of(spec)
    master = current.get(wanted) if wanted else None
    up = link is not None and link.up and not down
    enslaved = link is not None and link.master != 0 and master is not None and link.master == master.index
    if wanted and not enslaved:
        if spec.bond_slave.master_name and up:
            ops.append(Set(spec.name, {"up": False}))
            up = False
        settings["master"] = wanted
    elif not wanted and link is not None and link.master:
        settings["master"] = ""
    if settings:
        ops.append(Set(spec.name, settings))
    if up != spec.up:
        ops.append(Set(spec.name, {"up": spec.up}))
    return ops


def _one(spec: Spec, current: Mapping[str, Link], made: set[str]) -> list[Op]:
    link = current.get(spec.name)
    ops: list[Op] = []
    down = False
    if spec.logical:
        if link is not None and _must_be_made_anew(spec, link, current):
            ops.append(Delete(spec.name))
            link = None
        if link is None and spec.name not in made:
            found = data_of(spec, lambda name: current[name].index if name in current else None)
            if spec.kind == "bridge":  # a kernel without VLAN filtering refuses to be told that it is off
                found = {key: value for key, value in found.items() if value}
            ops.append(Create(spec.name, spec.kind, found, spec.parent_name, spec.veth.peer_name))
            made.update({spec.name, spec.veth.peer_name})
        elif link is not None:
            kind_ops = _kind_ops(spec, link, current)
            down = any(isinstance(op, Set) for op in kind_ops)
            ops += kind_ops
    elif link is None:
        return []
    return ops + _common_ops(spec, link, current, down=down)


def plan(current: Mapping[str, Link], running: Sequence[Spec], removed: Sequence[Spec]) -> list[Op]:
    """Removals first, ports before masters. Links nobody speaks of are left alone."""
    ops: list[Op] = []
    wanted = {spec.name for spec in running}
    gone: set[str] = set()
    for spec in reversed(ordered(removed)):
        link = current.get(spec.name)
        if link is None or spec.name in wanted:
            continue
        if not spec.logical:
            ops.append(Set(spec.name, {"master": "", "up": False} if link.master else {"up": False}))
        elif link.kind == spec.kind and spec.name not in gone:
            ops.append(Delete(spec.name))
            gone.update({spec.name, spec.veth.peer_name})
    left = {name: link for name, link in current.items() if name not in gone}
    made: set[str] = set()
    for spec in ordered(running):
        ops += _one(spec, left, made)
    return ops
