"""Resource type KubeSpanPeerStatuses.kubespan.talos.dev."""

from __future__ import annotations

import datetime

import msgspec

from talos.cosi import resource
from talos.machinery.types import kubespan as kubespan_types


class KubeSpanPeerStatus(resource.Resource["KubeSpanPeerStatus.Spec"]):
    """Whether a peer of the mesh answers, and its traffic."""

    definition = resource.Definition(
        type="KubeSpanPeerStatuses.kubespan.talos.dev",
        namespace="kubespan",
        print_columns=(
            resource.PrintColumn("Label", "{.label}"),
            resource.PrintColumn("Endpoint", "{.endpoint}"),
            resource.PrintColumn("State", "{.state}"),
            resource.PrintColumn("Rx", "{.receiveBytes}"),
            resource.PrintColumn("Tx", "{.transmitBytes}"),
        ),
        message="talos.resource.definitions.kubespan.PeerStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        endpoint: str = ""
        label: str = ""
        state: kubespan_types.PeerState = kubespan_types.PeerState.UNKNOWN
        receive_bytes: int = msgspec.field(default=0, name="receiveBytes")
        transmit_bytes: int = msgspec.field(default=0, name="transmitBytes")
        last_handshake_time: datetime.datetime | None = msgspec.field(default=None, name="lastHandshakeTime")
        last_used_endpoint: str = msgspec.field(default="", name="lastUsedEndpoint")
        last_endpoint_change: datetime.datetime | None = msgspec.field(default=None, name="lastEndpointChange")
