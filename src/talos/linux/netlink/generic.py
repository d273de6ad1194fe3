"""Generic netlink (linux/genetlink.h): families with names, whose numbers the kernel gives at run time."""

from __future__ import annotations

import struct
from types import TracebackType
from typing import Self

from talos.base import errors
from talos.linux.netlink import codec, connection

_PROTOCOL = 16
_CONTROL, _GET_FAMILY = 0x10, 3
_HEADER = struct.Struct("=BBH")  # command, version, reserved
_FAMILY = codec.Table(id=(1, codec.U16), name=(2, codec.STRING))


class Family:
    """Requests to one family over a socket of its own; a context manager. Not for use by two threads."""

    def __init__(self, name: str, version: int, namespace: connection.Namespace | None = None) -> None:
        """Find the family. Raises Unsupported when the kernel does not have it, OSError."""
        self._name, self._version = name, version
        self._connection = connection.Connection(namespace, protocol=_PROTOCOL)
        try:
            asked = _HEADER.pack(_GET_FAMILY, 1, 0) + _FAMILY.encode({"name": name})
            answer = self._connection.request(_CONTROL, asked, action=f"find {name}")[0]
            self._id = int(_FAMILY.decode(answer.body[_HEADER.size :])["id"])
        except codec.NetlinkError as error:
            self._connection.close()
            if error.absent:
                raise errors.Unsupported(f"this kernel has no {name}") from error
            raise
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the socket."""
        self._connection.close()

    def request(self, command: int, attributes: bytes, *, action: str) -> list[bytes]:
        """Attributes of the answers to one request. Raises NetlinkError, TimedOut."""
        body = _HEADER.pack(command, self._version, 0) + attributes
        return [one.body[_HEADER.size :] for one in self._connection.request(self._id, body, action=action)]

    def dump(self, command: int, attributes: bytes, *, action: str) -> list[bytes]:
        """Attributes of all objects. Raises NetlinkError, TimedOut."""
        body = _HEADER.pack(command, self._version, 0) + attributes
        return [one.body[_HEADER.size :] for one in self._connection.dump(self._id, body, action=action)]
