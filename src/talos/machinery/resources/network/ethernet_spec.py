"""Resource type EthernetSpecs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class EthernetRingsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Ring sizes to set."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "rx",
            "tx",
            "rx_mini",
            "rx_jumbo",
            "rx_buf_len",
            "cqe_size",
            "tx_push",
            "rx_push",
            "tx_push_buf_len",
            "tcp_data_split",
        }
    )

    rx: int | None = None
    tx: int | None = None
    rx_mini: int | None = msgspec.field(default=None, name="rx-mini")
    rx_jumbo: int | None = msgspec.field(default=None, name="rx-jumbo")
    rx_buf_len: int | None = msgspec.field(default=None, name="rx-buf-len")
    cqe_size: int | None = msgspec.field(default=None, name="cqe-size")
    tx_push: bool | None = msgspec.field(default=None, name="tx-push")
    rx_push: bool | None = msgspec.field(default=None, name="rx-push")
    tx_push_buf_len: int | None = msgspec.field(default=None, name="tx-push-buf-len")
    tcp_data_split: bool | None = msgspec.field(default=None, name="tcp-data-split")


class EthernetChannelsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Channel counts to set."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"rx", "tx", "other", "combined"})

    rx: int | None = None
    tx: int | None = None
    other: int | None = None
    combined: int | None = None


class EthernetSpec(resource.Resource["EthernetSpec.Spec"]):
    """ethtool settings wanted on a link."""

    definition = resource.Definition(
        type="EthernetSpecs.net.talos.dev",
        namespace="network",
        message="talos.resource.definitions.network.EthernetSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"rings", "features", "channels", "wake_on_lan"})

        rings: EthernetRingsSpec = msgspec.field(default_factory=EthernetRingsSpec)
        features: dict[str, bool] = msgspec.field(default_factory=dict)
        channels: EthernetChannelsSpec = msgspec.field(default_factory=EthernetChannelsSpec)
        wake_on_lan: tuple[network_types.WOLMode, ...] = msgspec.field(default=(), name="wakeOnLan")
