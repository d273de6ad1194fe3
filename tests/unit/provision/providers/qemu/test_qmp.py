"""The monitor against a peer that speaks the protocol over a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from talos.base import errors
from talos.provision.providers.qemu import qmp

GREETING = {"QMP": {"version": {"qemu": {"major": 10, "minor": 0, "micro": 3}}, "capabilities": []}}


@pytest.fixture
def ends() -> Iterator[tuple[qmp.Monitor, socket.socket]]:
    ours, theirs = socket.socketpair()
    monitor = qmp.Monitor(ours)
    theirs.settimeout(10)
    yield monitor, theirs
    monitor.close()
    theirs.close()


def say(sock: socket.socket, *messages: object) -> None:
    sock.sendall(b"".join(json.dumps(one).encode() + b"\r\n" for one in messages))


def test_it_greets_and_enters_command_mode(ends: tuple[qmp.Monitor, socket.socket]) -> None:
    monitor, theirs = ends
    say(theirs, GREETING, {"return": {}})
    assert monitor.negotiate(timeout_s=5) == "10.0.3"
    assert json.loads(theirs.recv(4096)) == {"execute": "qmp_capabilities"}


def test_events_before_an_answer_are_kept(ends: tuple[qmp.Monitor, socket.socket]) -> None:
    monitor, theirs = ends
    event = {"event": "RESET", "data": {"guest": True}}
    say(theirs, event, {"return": {"status": "running"}}, {"event": "POWERDOWN"})
    assert monitor.execute("query-status", timeout_s=5) == {"status": "running"}
    assert [one["event"] for one in monitor.events()] == ["RESET", "POWERDOWN"]
    assert monitor.events() == []


def test_a_message_in_pieces(ends: tuple[qmp.Monitor, socket.socket]) -> None:
    monitor, theirs = ends
    theirs.sendall(b'{"ret')
    later = threading.Timer(0.1, theirs.sendall, [b'urn": 1}\n{"event": "ST'])
    later.start()
    assert monitor.execute("x", timeout_s=5) == 1
    later.join()
    assert monitor.events() == []
    theirs.sendall(b'OP"}\n')
    assert monitor.events() == [{"event": "STOP"}]


def test_refusals_silence_and_the_end(ends: tuple[qmp.Monitor, socket.socket]) -> None:
    monitor, theirs = ends
    say(theirs, {"error": {"class": "GenericError", "desc": "no such command"}})
    with pytest.raises(errors.Permanent, match="no such command"):
        monitor.execute("x", timeout_s=5)
    with pytest.raises(errors.TimedOut):
        monitor.execute("x", timeout_s=0.05)
    say(theirs, "no object")
    theirs.close()
    with pytest.raises(errors.Permanent, match=r"QEMU ended|Broken pipe"):
        monitor.execute("x", timeout_s=5)
    assert monitor.events() == []
    assert monitor.closed
