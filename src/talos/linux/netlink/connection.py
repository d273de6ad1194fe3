"""One rtnetlink socket: requests with acknowledgement, dumps, and sockets inside another network namespace.

The kernel answers rtnetlink requests while `sendmsg` runs (a dump: while `recvmsg` runs), so the answer is in the
receive buffer when the call returns and nothing here waits on an event. That is why the calls are plain functions, in
asyncio programs too; only the monitor, which does wait, is asynchronous. The time limit is a guard, not a wait.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from talos.base import errors
from talos.linux import _libc
from talos.linux.netlink import codec

SOL_NETLINK = 270
_ADD_MEMBERSHIP = 1
_CAP_ACK = 10
_EXT_ACK = 11
_GET_STRICT_CHK = 12
_CLONE_NEWNET = 0x40000000
_RECEIVE_BYTES = 1 << 16
_DUMP_RETRIES = 10

Namespace = int | str | os.PathLike[str]


def _setns(fd: int) -> None:
    _libc.check(_libc.libc.setns(fd, _CLONE_NEWNET))


@contextlib.contextmanager
def _inside(fd: int) -> Iterator[None]:
    """Run with the calling thread in the namespace; nothing may await inside."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(fd)
        try:
            yield
        finally:
            _setns(own)
    finally:
        os.close(own)


@contextlib.contextmanager
def inside(namespace: Namespace | None) -> Iterator[None]:
    """The calling thread in a network namespace (descriptor or path; None: stay) for the time of a block.

    Sockets made inside stay there. For synchronous blocks only: an `await` inside would let other tasks run in the
    foreign namespace.
    """
    if namespace is None:
        yield
    elif isinstance(namespace, int):
        with _inside(namespace):
            yield
    else:
        fd = os.open(Path(namespace), os.O_RDONLY | os.O_CLOEXEC)
        try:
            with _inside(fd):
                yield
        finally:
            os.close(fd)


def open_socket(namespace: Namespace | None = None, *, protocol: int = socket.NETLINK_ROUTE) -> socket.socket:
    """A bound netlink socket with extended errors, in the namespace."""
    with inside(namespace):
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    try:
        for option in (_EXT_ACK, _CAP_ACK, _GET_STRICT_CHK):
            with contextlib.suppress(OSError):  # each came with a later kernel; all are refinements
                sock.setsockopt(SOL_NETLINK, option, 1)
        sock.bind((0, 0))
    except OSError:
        sock.close()
        raise
    return sock


def join(sock: socket.socket, group: int) -> None:
    """Subscribe to a multicast group."""
    sock.setsockopt(SOL_NETLINK, _ADD_MEMBERSHIP, struct.pack("=i", group))


class Connection:
    """Requests over one socket. Not for use by two threads."""

    def __init__(
        self, namespace: Namespace | None = None, *, protocol: int = socket.NETLINK_ROUTE, timeout_s: float = 10.0
    ) -> None:
        self._socket = open_socket(namespace, protocol=protocol)
        self._socket.settimeout(timeout_s)
        self._sequence = itertools.count(1)

    def close(self) -> None:
        """Release the socket; a second call does nothing."""
        self._socket.close()

    def request(self, kind: int, body: bytes, flags: int = 0, *, action: str) -> list[codec.Message]:
        """Send one request and return the messages before its acknowledgement.

        Raises NetlinkError when the kernel refuses, TimedOut when it does not answer.
        """
        sequence = next(self._sequence) & 0xFFFFFFFF
        self._socket.send(codec.pack_message(kind, codec.F_REQUEST | codec.F_ACK | flags, sequence, body))
        answers: list[codec.Message] = []
        for message in self._answers(sequence, action):
            if message.type in (codec.NLMSG_ERROR, codec.NLMSG_DONE):
                if error := codec.acknowledgement(message, action):
                    raise error
                break
            answers.append(message)
        return answers

    def dump(self, kind: int, body: bytes, *, action: str) -> list[codec.Message]:
        """All objects of a kind; repeated when they changed while being listed."""
        for _ in range(_DUMP_RETRIES):
            sequence = next(self._sequence) & 0xFFFFFFFF
            self._socket.send(codec.pack_message(kind, codec.F_REQUEST | codec.F_DUMP, sequence, body))
            answers: list[codec.Message] = []
            interrupted = False
            for message in self._answers(sequence, action):
                interrupted |= bool(message.flags & codec.F_DUMP_INTR)
                if message.type in (codec.NLMSG_ERROR, codec.NLMSG_DONE):
                    if error := codec.acknowledgement(message, action):
                        raise error
                    break
                answers.append(message)
            if not interrupted:
                return answers
        raise errors.Temporary(f"{action}: the objects change faster than they can be listed")

    def _answers(self, sequence: int, action: str) -> Iterator[codec.Message]:
        while True:
            try:
                data, _, flags, _ = self._socket.recvmsg(_RECEIVE_BYTES)
            except TimeoutError as err:
                raise errors.TimedOut(f"{action}: no answer from the kernel") from err
            if flags & socket.MSG_TRUNC:
                raise OSError(errno.EMSGSIZE, f"{action}: answer larger than {_RECEIVE_BYTES} bytes")
            for message in codec.messages(data):
                if message.sequence == sequence and message.type != codec.NLMSG_NOOP:
                    yield message
