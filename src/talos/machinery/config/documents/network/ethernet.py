"""Document EthernetConfig: settings of a network card."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values

WAKE_ON_LAN = ("phy", "unicast", "multicast", "broadcast", "magic", "magic-secure", "filter")


class EthernetRingsConfig(document.Section, frozen=True, kw_only=True):
    """Ring buffers."""

    rx: values.U32 | None = None
    """Entries for packets received."""
    tx: values.U32 | None = None
    """Entries for packets sent."""
    rx_mini: values.U32 | None = document.named("rx-mini", None)
    """Entries for small packets received."""
    rx_jumbo: values.U32 | None = document.named("rx-jumbo", None)
    """Entries for large packets received."""
    rx_buf_len: values.U32 | None = document.named("rx-buf-len", None)
    """Length of a receive buffer."""
    cqe_size: values.U32 | None = document.named("cqe-size", None)
    """Size of a completion entry."""
    tx_push: bool | None = document.named("tx-push", None)
    """Write packets to send straight into the card."""
    rx_push: bool | None = document.named("rx-push", None)
    """Let the card write straight into memory."""
    tx_push_buf_len: values.U32 | None = document.named("tx-push-buf-len", None)
    """How much may be written straight into the card."""
    tcp_data_split: bool | None = document.named("tcp-data-split", None)
    """Keep headers and data apart."""


class EthernetChannelsConfig(document.Section, frozen=True, kw_only=True):
    """Queues."""

    rx: values.U32 | None = None
    """For packets received."""
    tx: values.U32 | None = None
    """For packets sent."""
    other: values.U32 | None = None
    """For other things."""
    combined: values.U32 | None = None
    """For both directions."""


class EthernetConfig(document.Document, frozen=True, kw_only=True):
    """What `ethtool` would set."""

    kind: ClassVar[str] = "EthernetConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Link."""
    features: dict[str, bool] = document.mapping()
    """Features by the kernel's names, on or off."""
    rings: EthernetRingsConfig | None = None
    """Ring buffers."""
    channels: EthernetChannelsConfig | None = None
    """Queues."""
    wake_on_lan: tuple[Annotated[str, values.Choice(WAKE_ON_LAN)], ...] | None = None
    """What wakes the machine; an empty list switches it off."""

    def validate(self, found: findings.Findings) -> None:
        """Settings are of a link."""
        found.require(self.name, "name")

    @classmethod
    def example(cls) -> EthernetConfig:
        """Larger rings, no segmentation in the card."""
        return cls(
            name="eth0",
            features={"tx-tcp-segmentation": False},
            rings=EthernetRingsConfig(rx=4096, tx=4096),
            wake_on_lan=("magic",),
        )
