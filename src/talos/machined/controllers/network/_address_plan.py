"""What to do so that links have the addresses their specs want. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from talos.linux.netlink.address import Address, Flags
from talos.machined.controllers.network import _texts
from talos.machinery.resources.network.address_spec import AddressSpec

_COMPARED = Flags.NOPREFIXROUTE | Flags.NODAD | Flags.MANAGETEMPADDR


@dataclass(frozen=True, slots=True)
class Add:
    """Give a link an address."""

    link: str
    address: Address


@dataclass(frozen=True, slots=True)
class Delete:
    """Take an address from a link."""

    link: str
    address: Address


Op = Add | Delete


def _wanted(spec: AddressSpec.Spec, index: int) -> Address:
    return Address(
        index,
        ipaddress.ip_interface(spec.address),
        flags=_texts.address_flag_bits(spec.flags) & ~Flags.PERMANENT,
        scope=spec.scope.number,
        priority=spec.priority,
    )


def _same(found: Address, wanted: Address) -> bool:
    return (
        found.scope == wanted.scope
        and found.flags & _COMPARED == wanted.flags & _COMPARED
        and (not wanted.priority or found.priority == wanted.priority)
    )


def plan(
    links: Mapping[str, int],
    current: Iterable[Address],
    running: Sequence[AddressSpec.Spec],
    removed: Sequence[AddressSpec.Spec],
) -> list[Op]:
    """Deletions first. Specs of links that are not there wait for them; addresses nobody speaks of are left alone."""
    present = {(one.index, one.interface): one for one in current}
    ops: list[Op] = []
    kept = {(links.get(spec.link_name), ipaddress.ip_interface(spec.address)) for spec in running}
    for spec in removed:
        key = (links.get(spec.link_name, 0), ipaddress.ip_interface(spec.address))
        if key not in kept and key in present:
            ops.append(Delete(spec.link_name, present[key]))
    for spec in running:
        index = links.get(spec.link_name)
        if index is None:
            continue
        wanted = _wanted(spec, index)
        found = present.get((index, wanted.interface))
        if found is not None and not _same(found, wanted):
            ops.append(Delete(spec.link_name, found))
            found = None
        if found is None:
            ops.append(Add(spec.link_name, wanted))
    return ops
