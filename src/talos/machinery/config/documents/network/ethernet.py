"""Document EthernetConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class EthernetRingsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of EthernetConfig."""

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


class EthernetChannelsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of EthernetConfig."""

    rx: int | None = None
    tx: int | None = None
    other: int | None = None
    combined: int | None = None


class EthernetConfig(document.Document, frozen=True, kw_only=True):
    """Ethernet config."""

    kind: ClassVar[str] = "EthernetConfig"
    named: ClassVar[bool] = True

    name: str = ""
    features: dict[str, bool] = msgspec.field(default_factory=dict)
    rings: EthernetRingsConfig | None = None
    channels: EthernetChannelsConfig | None = None
    wake_on_lan: tuple[str, ...] = msgspec.field(default=(), name="wakeOnLan")
