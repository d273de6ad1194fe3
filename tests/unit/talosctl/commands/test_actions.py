"""reboot, shutdown, reset: what is asked for, and when it is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.cosi import state_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import status
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster

ACTOR = "11111111-2222-3333-4444-555555555555"


class Machine:
    """A node that goes away some polls after it was told to, and maybe comes back with another boot."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.boot = "aaaa"
        self.told: Any = None
        self.polls = 0
        self.returns = True
        self.error = ""
        cluster.serve(f"{MACHINE}Read", self._boot_id)
        cluster.serve("/cosi.resource.State/Get", self._status)
        cluster.serve(f"{MACHINE}Events", self._events)
        for name in ("Reboot", "Shutdown", "Reset"):
            cluster.serve(f"{MACHINE}{name}", self._tell(name))

    def _tell(self, name: str) -> Any:
        def answer(request: Any, node: str) -> Any:
            self.told = request
            message = getattr(machine_pb2, name)(actor_id=ACTOR)
            return getattr(machine_pb2, f"{name}Response")(messages=[message])

        return answer

    def _boot_id(self, request: Any, node: str) -> list[common_pb2.Data]:
        assert request.path == "/proc/sys/kernel/random/boot_id"
        if self.told is not None and not self.error:
            self.polls += 1
            if self.polls >= 2 and (self.polls < 4 or not self.returns):
                raise status.RpcError(status.Code.UNAVAILABLE, "gone")
            if self.polls >= 4:
                self.boot = "bbbb"
        return [common_pb2.Data(bytes=f"{self.boot}\n".encode())]

    def _status(self, request: Any, node: str) -> state_pb2.GetResponse:
        return state_pb2.GetResponse()

    def _events(self, request: Any, node: str) -> AsyncIterator[machine_pb2.Event]:
        async def events() -> AsyncIterator[machine_pb2.Event]:
            yield machine_pb2.Event()
            payload = machine_pb2.SequenceEvent(sequence="reboot", action=machine_pb2.SequenceEvent.START)
            if self.error:
                payload.error.message = self.error
            event = machine_pb2.Event(id="e1", actor_id=ACTOR)
            event.data.type_url, event.data.value = "talos/runtime/machine.SequenceEvent", payload.SerializeToString()
            yield event

        return events()


@pytest.fixture
def machine(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("talos.talosctl.action._POLL_S", 0.02)
    return Machine(cluster)


@pytest.mark.feature("G008")
def test_a_reboot_is_over_when_the_node_is_back_with_another_boot(machine: Machine) -> None:
    ran = machine.cluster.run("reboot", "--mode", "powercycle")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines() == ["10.5.0.2: reboot START", "10.5.0.2: back"]
    assert machine.boot == "bbbb"
    assert machine.told.mode == machine_pb2.RebootRequest.POWERCYCLE
    (asked,) = machine.cluster.requests(f"{MACHINE}Events")
    assert (asked.tail_events, asked.with_actor_id) == (-1, ACTOR)


@pytest.mark.feature("G008")
def test_a_shutdown_is_over_when_the_node_is_gone(machine: Machine) -> None:
    machine.returns = False
    ran = machine.cluster.run("shutdown", "--force", "--progress=quiet")
    assert (ran.code, ran.err) == (0, "10.5.0.2: gone\n")
    assert machine.told.force


@pytest.mark.feature("G008")
def test_the_wait_has_an_end(machine: Machine) -> None:
    machine.returns = False
    ran = machine.cluster.run("reboot", "--timeout", "300ms")
    assert ran.code == 6
    assert "not back after 0.3 s" in ran.err


@pytest.mark.feature("G008")
def test_a_sequence_that_fails_ends_the_wait(machine: Machine) -> None:
    machine.error = "drain: no"
    ran = machine.cluster.run("reboot")
    assert ran.code == 1
    assert "reboot failed on 10.5.0.2: drain: no" in ran.err
    assert "Traceback" not in ran.err


def test_nothing_is_watched_without_wait(machine: Machine) -> None:
    ran = machine.cluster.run("reboot", "--wait=false")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert [path for path, _, _ in machine.cluster.asked] == [f"{MACHINE}Reboot"]


def test_reset_asks_for_what_the_flags_say(machine: Machine) -> None:
    machine.returns = False
    flags = ("--graceful=false", "--system-labels-to-wipe", "STATE,EPHEMERAL", "--user-disks-to-wipe", "/dev/sdb")
    assert machine.cluster.run("reset", *flags, "--wipe-mode", "user-disks").code == 0
    told = machine.told
    assert (told.graceful, told.reboot, list(told.user_disks_to_wipe)) == (False, False, ["/dev/sdb"])
    assert [(spec.label, spec.wipe) for spec in told.system_partitions_to_wipe] == [
        ("STATE", True),
        ("EPHEMERAL", True),
    ]
    assert told.mode == machine_pb2.ResetRequest.USER_DISKS


def test_reset_with_reboot_waits_for_the_node(machine: Machine) -> None:
    assert machine.cluster.run("reset", "--reboot").code == 0
    assert (machine.told.graceful, machine.told.reboot) == (True, True)
    assert machine.boot == "bbbb"


@pytest.mark.parametrize(
    "words",
    [
        ("reboot", "-m", "soft"),
        ("reboot", "--drain", "--wait=false"),
        ("reset", "--wipe-mode", "some"),
        ("shutdown", "--progress", "loud"),
    ],
)
def test_what_nobody_knows_is_refused_here(machine: Machine, words: tuple[str, ...]) -> None:
    assert machine.cluster.run(*words).code == 2
    assert machine.cluster.asked == []
