"""Settings of network cards the configuration asks for."""

from __future__ import annotations

import msgspec

from talos.cosi import controller
from talos.machined.controllers.network import _config, _devices
from talos.machinery.config.documents.network.ethernet import EthernetConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.ethernet_spec import (
    EthernetChannelsSpec,
    EthernetRingsSpec,
    EthernetSpec,
)
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network

_MODES = {str(one): one for one in network.WOLMode} | {"magic-secure": network.WOLMode.MAGIC_SECURE}


def spec(document: EthernetConfig) -> EthernetSpec.Spec:
    """A document as a spec. An empty list of what wakes the machine is the mode "unspecified": nothing does."""
    modes = document.wake_on_lan
    rings = msgspec.structs.asdict(document.rings) if document.rings is not None else {}
    channels = msgspec.structs.asdict(document.channels) if document.channels is not None else {}
    names = set(EthernetRingsSpec.__struct_fields__)
    wake = () if modes is None else tuple(_MODES[one] for one in modes) or (network.WOLMode.UNSPECIFIED,)
    return EthernetSpec.Spec(
        rings=EthernetRingsSpec(**{key: value for key, value in rings.items() if key in names}),
        features=dict(document.features),
        channels=EthernetChannelsSpec(
            rx=channels.get("rx"),
            tx=channels.get("tx"),
            other=channels.get("other"),
            combined=channels.get("combined"),
        ),
        wake_on_lan=wake,
    )


class EthernetConfigController(controller.Controller):
    """One spec for each document; the id is the link's name."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkStatus))
    outputs = (controller.shared(EthernetSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the documents; they may use any name of a link."""
        documents = (await _config.active(r)).all(EthernetConfig)
        if not documents:
            return
        names = _devices.real_names({one.id: one.spec for one in await r.list(LinkStatus)})
        for one in documents:
            await r.put(EthernetSpec(names.get(one.name, one.name), spec(one)))
