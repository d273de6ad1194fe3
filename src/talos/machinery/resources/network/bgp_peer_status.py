"""Resource type BGPPeerStatuses.net.talos.dev."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class BGPPeerStatus(resource.Resource["BGPPeerStatus.Spec"]):
    """State of the session with a BGP neighbour."""

    definition = resource.Definition(
        type="BGPPeerStatuses.net.talos.dev",
        namespace="network",
        print_columns=(
            resource.PrintColumn("Instance", "{.instance}"),
            resource.PrintColumn("Peer", "{.peer}"),
            resource.PrintColumn("Peer AS", "{.peerASN}"),
            resource.PrintColumn("State", "{.state}"),
            resource.PrintColumn("Since", "{.since}"),
            resource.PrintColumn("Received", "{.received}"),
        ),
        message="talos.resource.definitions.network.BGPPeerStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"router_id", "since", "bfd_state"})

        peer: str = ""
        local_asn: int = msgspec.field(default=0, name="localASN")
        peer_asn: int = msgspec.field(default=0, name="peerASN")
        state: network_types.BGPSessionState = network_types.BGPSessionState.UNKNOWN
        router_id: str = msgspec.field(default="", name="routerID")
        since: datetime.datetime | None = None
        received: int = 0
        advertised: int = 0
        accepted: int = 0
        bfd_state: str = msgspec.field(default="", name="bfdState")
        instance: str = ""
