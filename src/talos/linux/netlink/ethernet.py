"""Settings of network cards over ethtool's netlink interface (linux/ethtool_netlink.h).

Bit sets travel in their verbose form, names and all: the kernel knows the names of features and link modes best. A bit
set without mask names the bits that are set; one with mask names those that are spoken of.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from talos.linux.netlink import codec, connection, generic

_HEADER, _DEVICE_NAME = 1, 2
_LINK_INFO, _LINK_MODES, _LINK_STATE = 2, 4, 6
_WOL_GET, _WOL_SET = 9, 10
_FEATURES_GET, _FEATURES_SET = 11, 12
_RINGS_GET, _RINGS_SET, _CHANNELS_GET, _CHANNELS_SET = 15, 16, 17, 18
_SET_NO_MASK, _SET_BITS, _BIT = 1, 3, 1
_BIT_FIELDS = codec.Table(index=(1, codec.U32), name=(2, codec.STRING), value=(3, codec.FLAG))
RINGS = codec.Table(
    rx_max=(2, codec.U32),
    rx_mini_max=(3, codec.U32),
    rx_jumbo_max=(4, codec.U32),
    tx_max=(5, codec.U32),
    rx=(6, codec.U32),
    rx_mini=(7, codec.U32),
    rx_jumbo=(8, codec.U32),
    tx=(9, codec.U32),
    rx_buf_len=(10, codec.U32),
    tcp_data_split=(11, codec.U8),
    cqe_size=(12, codec.U32),
    tx_push=(13, codec.U8),
    rx_push=(14, codec.U8),
    tx_push_buf_len=(15, codec.U32),
    tx_push_buf_len_max=(16, codec.U32),
)
CHANNELS = codec.Table(
    rx_max=(2, codec.U32),
    tx_max=(3, codec.U32),
    other_max=(4, codec.U32),
    combined_max=(5, codec.U32),
    rx=(6, codec.U32),
    tx=(7, codec.U32),
    other=(8, codec.U32),
    combined=(9, codec.U32),
)
_INFO = codec.Table(port=(2, codec.U8))
_STATE = codec.Table(link=(2, codec.U8))
_MODES = codec.Table(ours=(3, codec.BYTES), peer=(4, codec.BYTES), speed=(5, codec.U32), duplex=(6, codec.U8))
_FEATURES = codec.Table(
    hardware=(2, codec.BYTES), wanted=(3, codec.BYTES), active=(4, codec.BYTES), fixed=(5, codec.BYTES)
)
_WOL_MODES = codec.Table(modes=(2, codec.BYTES))
SPLIT_DISABLED, SPLIT_ENABLED = 1, 2
_ABSENT = (errno.EOPNOTSUPP, errno.ENODEV, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Status:
    """What a card says; None where its driver has nothing to say."""

    link: bool | None = None
    port: int | None = None
    duplex: int | None = None
    speed_mbit: int | None = None
    ours: tuple[str, ...] = ()
    peer: tuple[str, ...] = ()
    features: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
    """Name -> (on, changeable)."""
    rings: Mapping[str, int] | None = None
    channels: Mapping[str, int] | None = None
    wake_on_lan: int | None = None
    """Bits of WAKE_… in linux/ethtool.h."""


def _bits(payload: bytes) -> Iterator[dict[str, Any]]:
    for number, content in codec.attributes(payload):
        if number == _SET_BITS:
            for _, one in codec.attributes(content):
                yield _BIT_FIELDS.decode(one)


def names(payload: bytes) -> set[str]:
    """Names of the bits that are set."""
    no_mask = any(number == _SET_NO_MASK for number, _ in codec.attributes(payload))
    return {one.get("name", "") for one in _bits(payload) if no_mask or one.get("value")}


def pack_bits(attribute: int, wanted: Mapping[str, bool]) -> bytes:
    """A bit set that speaks of these bits."""
    bits = b"".join(codec.nested(_BIT, _BIT_FIELDS.encode({"name": name, "value": on})) for name, on in wanted.items())
    return codec.nested(attribute, codec.nested(_SET_BITS, bits))


def pack_exact_bits(attribute: int, numbers: Iterable[int]) -> bytes:
    """A bit set that is exactly these bits."""
    bits = b"".join(codec.nested(_BIT, _BIT_FIELDS.encode({"index": number})) for number in numbers)
    return codec.nested(attribute, codec.pack_attribute(_SET_NO_MASK, b"") + codec.nested(_SET_BITS, bits))


class Ethernet:
    """Asks and sets cards; a context manager. Raises Unsupported on kernels without the interface."""

    def __init__(self, namespace: connection.Namespace | None = None) -> None:
        self._family = generic.Family("ethtool", 1, namespace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self._family.close()

    def _ask(self, command: int, name: str) -> bytes | None:
        header = codec.nested(_HEADER, codec.pack_attribute(_DEVICE_NAME, name.encode() + b"\0"))
        try:
            return self._family.request(command, header, action=f"ask {name}")[0]
        except codec.NetlinkError as error:
            if error.errno in _ABSENT:
                return None
            raise

    def _set(self, command: int, name: str, attributes: bytes, what: str) -> None:
        header = codec.nested(_HEADER, codec.pack_attribute(_DEVICE_NAME, name.encode() + b"\0"))
        self._family.request(command, header + attributes, action=f"set {what} of {name}")

    def features(self, name: str) -> dict[str, tuple[bool, bool]]:
        """Name -> (on, changeable)."""
        answer = self._ask(_FEATURES_GET, name)
        if answer is None:
            return {}
        sets = _FEATURES.decode(answer)
        known = [one.get("name", "") for one in _bits(sets.get("hardware", b""))]
        changeable = names(sets.get("hardware", b""))
        active, fixed = names(sets.get("active", b"")), names(sets.get("fixed", b""))
        return {one: (one in active, one in changeable and one not in fixed) for one in known}

    def _table(self, command: int, name: str, table: codec.Table) -> dict[str, int] | None:
        answer = self._ask(command, name)
        return table.decode(answer) if answer is not None else None

    def rings(self, name: str) -> dict[str, int] | None:
        """Sizes of the ring buffers and their limits, by the names of `RINGS`."""
        return self._table(_RINGS_GET, name, RINGS)

    def channels(self, name: str) -> dict[str, int] | None:
        """Numbers of queues and their limits, by the names of `CHANNELS`."""
        return self._table(_CHANNELS_GET, name, CHANNELS)

    def wake_on_lan(self, name: str) -> int | None:
        """What wakes the machine, as bits; needs CAP_NET_ADMIN."""
        answer = self._ask(_WOL_GET, name)
        if answer is None:
            return None
        modes = _WOL_MODES.decode(answer).get("modes", b"")
        found: int = sum(1 << one["index"] for one in _bits(modes) if one.get("value"))
        return found

    def status(self, name: str) -> Status:
        """All of it."""
        modes = self._ask(_LINK_MODES, name)
        shown = _MODES.decode(modes) if modes is not None else {}
        info, state = self._table(_LINK_INFO, name, _INFO), self._table(_LINK_STATE, name, _STATE)
        return Status(
            link=bool(state["link"]) if state and "link" in state else None,
            port=info.get("port") if info else None,
            duplex=shown.get("duplex"),
            speed_mbit=shown.get("speed"),
            ours=tuple(sorted(names(shown.get("ours", b"")))),
            peer=tuple(sorted(names(shown.get("peer", b"")))),
            features=self.features(name),
            rings=self.rings(name),
            channels=self.channels(name),
            wake_on_lan=self.wake_on_lan(name),
        )

    def set_features(self, name: str, wanted: Mapping[str, bool]) -> None:
        """Switch features. Raises NetlinkError, also for a feature the kernel does not know."""
        self._set(_FEATURES_SET, name, pack_bits(3, wanted), "features")

    def set_rings(self, name: str, wanted: Mapping[str, int]) -> None:
        """Change ring buffers. Raises NetlinkError."""
        self._set(_RINGS_SET, name, RINGS.encode(wanted), "rings")

    def set_channels(self, name: str, wanted: Mapping[str, int]) -> None:
        """Change queues. Raises NetlinkError."""
        self._set(_CHANNELS_SET, name, CHANNELS.encode(wanted), "channels")

    def set_wake_on_lan(self, name: str, modes: Sequence[int]) -> None:
        """Let exactly these (bits of WAKE_…) wake the machine. Raises NetlinkError."""
        numbers = [one.bit_length() - 1 for one in modes]
        self._set(_WOL_SET, name, pack_exact_bits(2, numbers), "Wake-on-LAN")
