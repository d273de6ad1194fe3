"""Resource type EthernetStatuses.net.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class EthernetRingsStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Ring sizes and their limits."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "rx_max",
            "rx_mini_max",
            "rx_jumbo_max",
            "tx_max",
            "tx_push_buf_len_max",
            "rx",
            "rx_mini",
            "rx_jumbo",
            "tx",
            "rx_buf_len",
            "cqe_size",
            "tx_push",
            "rx_push",
            "tx_push_buf_len",
            "tcp_data_split",
        }
    )

    rx_max: int | None = msgspec.field(default=None, name="rx-max")
    rx_mini_max: int | None = msgspec.field(default=None, name="rx-mini-max")
    rx_jumbo_max: int | None = msgspec.field(default=None, name="rx-jumbo-max")
    tx_max: int | None = msgspec.field(default=None, name="tx-max")
    tx_push_buf_len_max: int | None = msgspec.field(default=None, name="tx-push-buf-len-max")
    rx: int | None = None
    rx_mini: int | None = msgspec.field(default=None, name="rx-mini")
    rx_jumbo: int | None = msgspec.field(default=None, name="rx-jumbo")
    tx: int | None = None
    rx_buf_len: int | None = msgspec.field(default=None, name="rx-buf-len")
    cqe_size: int | None = msgspec.field(default=None, name="cqe-size")
    tx_push: bool | None = msgspec.field(default=None, name="tx-push")
    rx_push: bool | None = msgspec.field(default=None, name="rx-push")
    tx_push_buf_len: int | None = msgspec.field(default=None, name="tx-push-buf-len")
    tcp_data_split: bool | None = msgspec.field(default=None, name="tcp-data-split")


class EthernetFeatureStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One offload feature and whether it is on."""

    name: str = ""
    status: str = ""


class EthernetChannelsStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Channel counts and their limits."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"rx_max", "tx_max", "other_max", "combined_max", "rx", "tx", "other", "combined"}
    )

    rx_max: int | None = msgspec.field(default=None, name="rx-max")
    tx_max: int | None = msgspec.field(default=None, name="tx-max")
    other_max: int | None = msgspec.field(default=None, name="other-max")
    combined_max: int | None = msgspec.field(default=None, name="combined-max")
    rx: int | None = None
    tx: int | None = None
    other: int | None = None
    combined: int | None = None


class EthernetStatus(resource.Resource["EthernetStatus.Spec"]):
    """What ethtool tells about a link."""

    definition = resource.Definition(
        type="EthernetStatuses.net.talos.dev",
        namespace="network",
        aliases=("ethtool",),
        print_columns=(
            resource.PrintColumn("Link", "{.linkState}"),
            resource.PrintColumn("Speed", "{.speedMbit}"),
        ),
        message="talos.resource.definitions.network.EthernetStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"link_state", "speed_megabits", "our_modes", "peer_modes", "rings", "features", "channels", "wake_on_lan"}
        )

        link_state: bool | None = msgspec.field(default=None, name="linkState")
        speed_megabits: int = msgspec.field(default=0, name="speedMbit")
        port: network_types.Port = network_types.Port.TWISTED_PAIR
        duplex: network_types.Duplex = network_types.Duplex.HALF
        our_modes: tuple[str, ...] = msgspec.field(default=(), name="ourModes")
        peer_modes: tuple[str, ...] = msgspec.field(default=(), name="peerModes")
        rings: EthernetRingsStatus | None = None
        features: tuple[EthernetFeatureStatus, ...] = ()
        channels: EthernetChannelsStatus | None = None
        wake_on_lan: tuple[network_types.WOLMode, ...] = msgspec.field(default=(), name="wakeOnLAN")

        def as_yaml(self, plain: dict[str, Any]) -> Any:
            """Features are a mapping."""
            if self.features:
                plain["features"] = type(plain)((feature.name, feature.status) for feature in self.features)
            return plain
