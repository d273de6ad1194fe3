"""Gives network cards their settings, and again when a card comes back."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.base import errors
from talos.cosi import controller
from talos.linux.netlink import ethernet, monitor
from talos.machined.controllers.network import _observer
from talos.machinery.resources.network.ethernet_spec import EthernetSpec
from talos.machinery.types import network


def changes(wanted: Any, current: dict[str, int] | None) -> dict[str, int]:
    """What of a section has to be set; all that is asked for when the card does not say what it has."""
    found = {}
    for name, value in msgspec.structs.asdict(wanted).items():
        if value is None:
            continue
        number = int(value)
        if name == "tcp_data_split":
            number = ethernet.SPLIT_ENABLED if value else ethernet.SPLIT_DISABLED
        if current is None or current.get(name) != number:
            found[name] = number
    return found


def features(wanted: dict[str, bool], current: dict[str, tuple[bool, bool]]) -> dict[str, bool]:
    """The features to switch; those that can not be switched are asked for, so that the kernel says why."""
    return {name: on for name, on in wanted.items() if name not in current or current[name][0] != on}


def apply(tool: ethernet.Ethernet, name: str, spec: EthernetSpec.Spec) -> None:
    """Set what differs. Raises NetlinkError for the first thing the card refuses."""
    if rings := changes(spec.rings, tool.rings(name)):
        tool.set_rings(name, rings)
    if spec.features and (switched := features(spec.features, tool.features(name))):
        tool.set_features(name, switched)
    if channels := changes(spec.channels, tool.channels(name)):
        tool.set_channels(name, channels)
    if spec.wake_on_lan:
        modes = [one.number for one in spec.wake_on_lan if one is not network.WOLMode.UNSPECIFIED]
        if tool.wake_on_lan(name) != sum(modes):
            tool.set_wake_on_lan(name, modes)


class EthernetSpecController(_observer.Observer):
    """A card that is not there is waited for; one that refuses does not keep the others."""

    inputs = (controller.weak(EthernetSpec),)
    groups = monitor.LINKS

    async def reconcile(self, r: controller.Handle) -> None:
        """All cards that are there."""
        specs = await r.list(EthernetSpec)
        if not specs:
            return
        with self.connect() as rt:
            present = {one.name for one in rt.links()}
        refused: Exception | None = None
        with ethernet.Ethernet(self.namespace) as tool:
            for one in specs:
                if one.id not in present:
                    continue
                try:
                    apply(tool, one.id, one.spec)
                except (OSError, errors.TalosError) as error:
                    refused = refused or error
        if refused is not None:
            raise refused
