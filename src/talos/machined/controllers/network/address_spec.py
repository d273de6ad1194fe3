"""Gives links the addresses their merged specs want."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from talos.cosi import controller
from talos.linux import netlink
from talos.linux.netlink import monitor
from talos.machined.controllers.network import _address_plan, _applier
from talos.machinery.resources.network.address_spec import AddressSpec

_NO_IPV6 = (errno.EACCES, errno.EOPNOTSUPP, errno.EPERM)
"""What the kernel answers where IPv6 is off for the link or altogether: nothing that trying again could mend."""


class AddressSpecController(_applier.Applier):
    """Adds and deletes addresses."""

    kind = AddressSpec
    inputs = (controller.strong(AddressSpec),)
    groups = monitor.LINKS + monitor.ADDRESSES

    def plan(
        self, rt: netlink.Route, running: Sequence[AddressSpec.Spec], removed: Sequence[AddressSpec.Spec]
    ) -> Sequence[_address_plan.Op]:
        """Compare with the addresses of all links."""
        if not running and not removed:
            return []
        links = {link.name: link.index for link in rt.links()}
        return _address_plan.plan(links, rt.addresses(), running, removed)

    def apply(self, rt: netlink.Route, op: _address_plan.Op) -> None:
        """One address."""
        value = op.address
        if isinstance(op, _address_plan.Delete):
            rt.address_delete(value.index, value.interface, missing_ok=True)
        else:
            settings = {"flags": value.flags, "scope": value.scope, "priority": value.priority}
            try:
                rt.address_add(value.index, value.interface, **settings)
            except netlink.NetlinkError as err:
                if value.interface.version != 6 or err.errno not in _NO_IPV6:
                    raise
