"""What the driver of a link says about it: driver name, bus, speed, duplex, port (SIOCETHTOOL of linux/ethtool.h)."""

from __future__ import annotations

import array
import errno
import fcntl
import socket
import struct
from dataclasses import dataclass
from typing import Any, Self

from talos.linux.netlink import connection
from talos.linux.netlink.codec import text

_SIOCETHTOOL = 0x8946
_GET_SETTINGS, _GET_DRIVER = 0x01, 0x03
_REQUEST = struct.Struct("=16sQ16x")
_DRIVER = struct.Struct("=I32s32s32s32s32s12x20x")
_SETTINGS = struct.Struct("=IIIHBBBBBBIIHBBII")

SPEED_UNKNOWN = 0xFFFFFFFF
DUPLEX_UNKNOWN = 255
PORT_OTHER = 255
_ABSENT = (errno.EOPNOTSUPP, errno.ENODEV, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Details:
    """Facts of a driver. `speed_mbit` is SPEED_UNKNOWN and `duplex` DUPLEX_UNKNOWN where the driver does not say."""

    driver: str = ""
    driver_version: str = ""
    firmware_version: str = ""
    bus: str = ""
    speed_mbit: int = SPEED_UNKNOWN
    duplex: int = DUPLEX_UNKNOWN
    port: int = PORT_OTHER


class Ethtool:
    """Asks drivers; `with Ethtool(namespace) as tool: tool.details("eth0")`."""

    def __init__(self, namespace: connection.Namespace | None = None) -> None:
        with connection.inside(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def details(self, name: str) -> Details:
        """All that the driver of this link tells; defaults for what it does not (loopback tells nothing)."""
        driver = self._ask(name, _GET_DRIVER, _DRIVER)
        settings = self._ask(name, _GET_SETTINGS, _SETTINGS)
        _, driver_name, version, firmware, bus, _ = driver or (0, b"", b"", b"", b"", b"")
        speed, duplex, port = SPEED_UNKNOWN, DUPLEX_UNKNOWN, PORT_OTHER
        if settings:
            speed, duplex, port = settings[3] | settings[12] << 16, settings[4], settings[5]
        return Details(text(driver_name), text(version), text(firmware), text(bus), speed, duplex, port)

    def _ask(self, name: str, command: int, layout: struct.Struct) -> tuple[Any, ...] | None:
        buffer = array.array("B", struct.pack("=I", command) + bytes(layout.size - 4))
        try:
            fcntl.ioctl(self._socket, _SIOCETHTOOL, _REQUEST.pack(name.encode(), buffer.buffer_info()[0]))
        except OSError as err:
            if err.errno in _ABSENT:
                return None
            raise
        return layout.unpack(buffer.tobytes())
