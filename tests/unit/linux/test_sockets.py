"""Sockets in /proc: the format by example, and the sockets of this process."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from talos.linux import sockets

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = (
    "   3: 0200050A:C350 0300050A:1F90 01 00000010:00000020 02:000004D2 00000003  1000        4 98765 2 "
    "ffff8881 20 4 30 10 -1\n"
)


def test_a_line() -> None:
    assert sockets.parse(LINE, "tcp") == sockets.Socket(
        protocol="tcp", local="10.5.0.2", local_port=50000, remote="10.5.0.3", remote_port=8080, state=1, tx_queue=16,
        rx_queue=32, timer=2, timer_when=1234, retransmits=3, uid=1000, timeout=4, inode=98765, references=2,
        pointer=0xFFFF8881,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0100007F:0016", ("127.0.0.1", 22)),
        ("00000000000000000000000001000000:0016", ("::1", 22)),
        ("B80D01200000000000000000010000FF:0000", ("2001:db8::ff00:1", 0)),
        ("0000000000000000FFFF00000200050A:0001", ("::ffff:10.5.0.2", 1)),
    ],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert sockets.address(text) == found


def test_a_protocol_the_kernel_lacks_has_no_sockets(tmp_path: Path) -> None:
    (tmp_path / "7/net").mkdir(parents=True)
    assert list(sockets.sockets("udplite", 7, tmp_path)) == []
    with pytest.raises(FileNotFoundError):
        list(sockets.sockets("tcp", 8, tmp_path))


@pytest.mark.parametrize(
    ("family", "host", "name"), [(socket.AF_INET, "127.0.0.1", "tcp"), (socket.AF_INET6, "::1", "tcp6")]
)
def test_our_own_sockets(family: socket.AddressFamily, host: str, name: str) -> None:
    with socket.socket(family) as server, socket.socket(family) as client:
        server.bind((host, 0))
        server.listen()
        client.connect(server.getsockname()[:2])
        port = server.getsockname()[1]
        found = {s.state: s for s in sockets.sockets(name) if s.local_port == port and s.remote_port == 0}
        assert found[10].local == host
        peer = next(s for s in sockets.sockets(name) if s.remote_port == port)
        assert (peer.local_port, peer.state, peer.uid) == (client.getsockname()[1], 1, os.getuid())
        assert sockets.holders()[peer.inode] == os.getpid()
