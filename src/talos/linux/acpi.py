"""Events of the firmware as the kernel announces them: generic netlink family `acpi_event` (drivers/acpi/event.c).

An event is `struct acpi_genl_event`: class and bus id of the device as text, type and data as numbers.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from talos.base import errors
from talos.linux.netlink import codec, connection

_PROTOCOL = 16
_CONTROL, _GET_FAMILY = 0x10, 3
_GENERIC = struct.Struct("=BBH")  # command, version, reserved
# linux/genetlink.h: CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_MCAST_GROUPS; of a group: name, id
_NAME, _GROUPS, _GROUP_NAME, _GROUP_ID = 2, 7, 1, 2
_FAMILY, _GROUP = "acpi_event", b"acpi_mc_group"
_EVENT_ATTRIBUTE = 1
_EVENT = struct.Struct("=20s15sxII")
POWER_BUTTON = "button/power"


@dataclass(frozen=True, slots=True)
class Event:
    """What a device told: class (`button/power`), its name on the bus, and two numbers that depend on the class."""

    device_class: str
    bus_id: str
    type: int
    data: int


def parse(body: bytes) -> Event | None:
    """The event of a message, None when it is another message."""
    for kind, value in codec.attributes(body[_GENERIC.size :]):
        if kind == _EVENT_ATTRIBUTE and len(value) >= _EVENT.size:
            device, bus, type, data = _EVENT.unpack_from(value)
            return Event(_text(device), _text(bus), type, data)
    return None


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("ascii", errors="replace")


def group(body: bytes) -> int:
    """Number of the family's one multicast group. Raises Unsupported when it has none."""
    for kind, value in codec.attributes(body[_GENERIC.size :]):
        if kind != _GROUPS:
            continue
        for _, one in codec.attributes(value):
            told = dict(codec.attributes(one))
            if told.get(_GROUP_NAME, b"").rstrip(b"\0") == _GROUP:
                return int.from_bytes(told[_GROUP_ID], sys.byteorder)
    raise errors.Unsupported("the kernel announces no ACPI events")


def find_group() -> int:
    """Ask the kernel for the group. Raises Unsupported on a machine without ACPI, OSError."""
    asked = codec.pack_attribute(_NAME, _FAMILY.encode() + b"\0")
    asking = connection.Connection(protocol=_PROTOCOL)
    try:
        answers = asking.request(_CONTROL, _GENERIC.pack(_GET_FAMILY, 1, 0) + asked, action=f"find {_FAMILY}")
    except codec.NetlinkError as error:
        if error.absent:
            raise errors.Unsupported("the kernel announces no ACPI events") from error
        raise
    finally:
        asking.close()
    return group(answers[0].body)


async def events() -> AsyncIterator[Event]:
    """Events from now on, for ever. Raises Unsupported, OSError."""
    sock = connection.open_socket(protocol=_PROTOCOL)
    try:
        connection.join(sock, find_group())
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            for message in _messages(await loop.sock_recv(sock, 1 << 16)):
                if (event := parse(message)) is not None:
                    yield event
    finally:
        sock.close()


def _messages(data: bytes) -> list[bytes]:
    return [message.body for message in codec.messages(data) if message.type > _CONTROL]
