"""What network cards say of themselves: features, ring buffers, queues, link modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from talos.base import errors
from talos.cosi import controller
from talos.linux.netlink import ethernet, monitor
from talos.machined.controllers.network import _observer
from talos.machined.modes import Mode
from talos.machinery.resources.network.ethernet_spec import EthernetSpec
from talos.machinery.resources.network.ethernet_status import (
    EthernetChannelsStatus,
    EthernetFeatureStatus,
    EthernetRingsStatus,
    EthernetStatus,
)
from talos.machinery.types import network

_FLAGS = ("tx_push", "rx_push")


def _rings(found: Mapping[str, int]) -> EthernetRingsStatus:
    values: dict[str, Any] = dict(found)
    for name in _FLAGS:
        if name in values:
            values[name] = bool(values[name])
    if "tcp_data_split" in values:
        split = values.pop("tcp_data_split")
        if split:
            values["tcp_data_split"] = split == ethernet.SPLIT_ENABLED
    return EthernetRingsStatus(**values)


def _feature(name: str, on: bool, changeable: bool) -> EthernetFeatureStatus:
    return EthernetFeatureStatus(name=name, status=("on" if on else "off") + ("" if changeable else " [fixed]"))


def spec(found: ethernet.Status) -> EthernetStatus.Spec:
    """A card as a resource."""
    known = found.port is not None and found.port >= 0
    duplex = network.Duplex.from_number(found.duplex) if found.duplex in (0, 1) else network.Duplex.UNKNOWN
    speed = found.speed_mbit or 0
    return EthernetStatus.Spec(
        link_state=found.link,
        speed_megabits=speed if speed != 0xFFFFFFFF else 0,
        port=network.Port.received(found.port) if known and found.port is not None else network.Port.OTHER,
        duplex=duplex,
        our_modes=found.ours,
        peer_modes=found.peer,
        rings=_rings(found.rings) if found.rings is not None else None,
        features=tuple(_feature(name, *how) for name, how in sorted(found.features.items())),
        channels=EthernetChannelsStatus(**found.channels) if found.channels is not None else None,
        wake_on_lan=tuple(one for one in network.WOLMode if one.number and one.number & (found.wake_on_lan or 0)),
    )


class EthernetStatusController(_observer.Observer):
    """Reports the machine's own cards; links of a kind (bridges, pods' ends) are not asked."""

    modes = Mode.MACHINE
    inputs = (controller.weak(EthernetSpec),)
    outputs = (controller.exclusive(EthernetStatus),)
    groups = monitor.LINKS
    kinds: ClassVar[tuple[str, ...]] = ("",)

    async def reconcile(self, r: controller.Handle) -> None:
        """Look at all cards anew."""
        with self.connect() as rt:
            cards = [one for one in rt.links() if one.kind in self.kinds and not one.loopback]
        try:
            with ethernet.Ethernet(self.namespace) as tool:
                found = {one.name: tool.status(one.name) for one in cards}
        except errors.Unsupported as error:
            r.log.debug("%s", error)
            return
        for name, status in found.items():
            await r.put(EthernetStatus(name, spec(status)))
