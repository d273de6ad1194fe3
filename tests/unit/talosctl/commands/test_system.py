"""Services, events, processes, mounts, time: what people look at first."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.api._generated.time import time_pb2
from talos.talosctl.commands import events
from talos.talosctl.commands import service as service_command
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster


def _service(id: str, state: str, *happened: tuple[str, str, int], healthy: bool | None = None) -> Any:
    info = machine_pb2.ServiceInfo(id=id, state=state)
    info.health.unknown = healthy is None
    info.health.healthy = bool(healthy)
    for what, text, seconds in happened:
        event = info.events.events.add(state=what, msg=text)
        event.ts.FromDatetime(datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds))
    return info


def _services(*infos: Any) -> machine_pb2.ServiceListResponse:
    return machine_pb2.ServiceListResponse(messages=[machine_pb2.ServiceList(services=infos)])


def test_services_show_their_last_event(cluster: Cluster) -> None:
    apid = _service(
        "apid", "Running", ("Starting", "Starting service", 7300), ("Running", "Health check successful", 7200),
        healthy=True,
    )  # fmt: skip
    kubelet = _service("kubelet", "Preparing", ("Preparing", "Running pre state", 3))
    cluster.serve(f"{MACHINE}ServiceList", _services(apid, kubelet))
    for word in ("service", "services"):
        ran = cluster.run(word)
        assert ran.code == 0
        row = r"10\.5\.0\.2 +apid +Running +OK +2h0m\ds ago +Health check successful"
        assert re.fullmatch(row, ran.lines[1])
        assert ran.lines[2].split()[1:4] == ["kubelet", "Preparing", "?"]
        assert re.split("   +", ran.lines[0]) == ["NODE", "SERVICE", "STATE", "HEALTH", "LAST CHANGE", "LAST EVENT"]


def test_one_service_shows_its_history_latest_first(cluster: Cluster) -> None:
    info = _service(
        "etcd", "Running", ("Waiting", "Waiting for time sync", 30), ("Running", "Started", 20), healthy=False
    )
    info.health.last_message = "connection refused"
    cluster.serve(f"{MACHINE}ServiceList", _services(info))
    ran = cluster.run("service", "etcd")
    assert ran.code == 0
    assert [line[:22].strip() for line in ran.lines] == [
        "NODE", "ID", "STATE", "HEALTH", "LAST HEALTH MESSAGE", "EVENTS", "",
    ]  # fmt: skip
    assert [line[22:].partition(" (")[0] for line in ran.lines] == [
        "10.5.0.2", "etcd", "Running", "Fail", "connection refused",
        "[Running]: Started", "[Waiting]: Waiting for time sync",
    ]  # fmt: skip


def test_a_service_nobody_has_is_not_found(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}ServiceList", _services())
    ran = cluster.run("service", "nfsd")
    assert (ran.code, ran.out) == (3, "")
    assert "nfsd" in ran.err


@pytest.mark.parametrize(("action", "method"), list(service_command._ACTIONS.items()))
def test_actions_on_services(cluster: Cluster, action: str, method: str) -> None:
    kind = getattr(machine_pb2, f"{method}Response")
    inner = getattr(machine_pb2, method)
    cluster.serve(f"{MACHINE}{method}", kind(messages=[inner(resp="done")]))
    ran = cluster.run("service", "kubelet", action)
    assert ran.lines == ["NODE       RESPONSE", "10.5.0.2   done"]
    assert [request.id for request in cluster.requests(f"{MACHINE}{method}")] == ["kubelet"]


def _event(id: str, payload: Any, actor: str = "") -> machine_pb2.Event:
    event = machine_pb2.Event(id=id, actor_id=actor)
    event.data.type_url = f"talos/runtime/{payload.DESCRIPTOR.full_name}"
    event.data.value = payload.SerializeToString()
    return event


def test_events_are_told_in_words_and_the_empty_first_one_is_not(cluster: Cluster) -> None:
    failed = machine_pb2.SequenceEvent(sequence="boot", action=machine_pb2.SequenceEvent.STOP)
    failed.error.message = "no disk"
    status = machine_pb2.MachineStatusEvent(stage=machine_pb2.MachineStatusEvent.RUNNING)
    status.status.unmet_conditions.add(name="nodeReady", reason="not registered")
    sent = [
        machine_pb2.Event(),
        _event("e1", machine_pb2.SequenceEvent(sequence="boot", action=machine_pb2.SequenceEvent.START), "a1"),
        _event("e2", failed),
        _event(
            "e3",
            machine_pb2.ServiceStateEvent(
                service="apid", message="Started", action=machine_pb2.ServiceStateEvent.RUNNING
            ),
        ),
        _event("e4", status),
    ]
    cluster.serve(f"{MACHINE}Events", sent)
    ran = cluster.run("events", "--tail", "4", "--actor-id", "a1")
    assert ran.lines[0].split() == ["NODE", "ID", "EVENT", "ACTOR", "SOURCE", "MESSAGE"]
    assert [" ".join(line.split()) for line in ran.lines[1:]] == [
        "10.5.0.2 e1 SequenceEvent a1 boot START",
        "10.5.0.2 e2 SequenceEvent boot error: no disk",
        "10.5.0.2 e3 ServiceStateEvent apid RUNNING: Started",
        "10.5.0.2 e4 MachineStatusEvent RUNNING ready: false, unmet conditions: nodeReady: not registered",
    ]
    (request,) = cluster.requests(f"{MACHINE}Events")
    assert (request.tail_events, request.with_actor_id) == (4, "a1")


def test_an_event_of_a_newer_node_is_named(cluster: Cluster) -> None:
    event = machine_pb2.Event(id="x")
    event.data.type_url = "talos/runtime/machine.TeleportEvent"
    assert events.describe(event) == ("TeleportEvent", "", "")


def test_only_one_way_to_choose_past_events(cluster: Cluster) -> None:
    ran = cluster.run("events", "--tail", "1", "--since", "e1")
    assert (ran.code, ran.out) == (2, "")


def _process(pid: int, rss: int, cpu: float, **more: str) -> machine_pb2.ProcessInfo:
    return machine_pb2.ProcessInfo(
        pid=pid, state="S", threads=2, cpu_time=cpu, virtual_memory=2 * rss, resident_memory=rss, **more
    )


def test_processes_by_memory_or_time(cluster: Cluster) -> None:
    kernel = _process(2, 0, 9.5, command="kthreadd")
    shell = _process(7, 1_000_000, 0.25, command="sh", executable="/bin/sh", args="sh -c a\tb\0c", label="u:r:t")
    daemon = _process(8, 2_000_000, 0.5, command="x", executable="/usr/bin/x", args="renamed --flag")
    cluster.serve(
        f"{MACHINE}Processes",
        machine_pb2.ProcessesResponse(messages=[machine_pb2.Process(processes=[kernel, shell, daemon])]),
    )
    ran = cluster.run("ps")
    assert ran.lines == [
        "NODE       PID   STATE   THREADS   CPU-TIME   VIRTMEM   RESMEM   LABEL   COMMAND",
        "10.5.0.2   8     S       2         0.50       4.0 MB    2.0 MB           renamed --flag",
        "10.5.0.2   7     S       2         0.25       2.0 MB    1.0 MB   u:r:t   /bin/sh -c a b c",
        "10.5.0.2   2     S       2         9.50       0 B       0 B              kthreadd",
    ]
    assert [line.split()[1] for line in cluster.run("processes", "--sort", "cpu").lines[1:]] == ["2", "8", "7"]
    assert cluster.run("processes", "--sort", "name").code == 2


def test_mounts_leave_pseudo_file_systems_out(cluster: Cluster) -> None:
    stats = [
        machine_pb2.MountStat(filesystem="proc", size=0, available=0, mounted_on="/proc"),
        machine_pb2.MountStat(filesystem="/dev/sda4", size=40_000_000_000, available=10_000_000_000, mounted_on="/var"),
    ]
    cluster.serve(f"{MACHINE}Mounts", machine_pb2.MountsResponse(messages=[machine_pb2.Mounts(stats=stats)]))
    assert cluster.run("mounts").lines == [
        "NODE       FILESYSTEM   SIZE(GB)   USED(GB)   AVAILABLE(GB)   PERCENT USED   MOUNTED ON",
        "10.5.0.2   /dev/sda4    40.00      30.00      10.00           75.00%         /var",
    ]


def test_time_asks_the_server_that_is_named(cluster: Cluster) -> None:
    message = time_pb2.Time(server="time.example")
    message.localtime.FromDatetime(datetime.datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=datetime.UTC))
    message.remotetime.FromDatetime(datetime.datetime(2026, 1, 2, 3, 4, 6, tzinfo=datetime.UTC))
    for method in ("Time", "TimeCheck"):
        cluster.serve(f"/time.TimeService/{method}", time_pb2.TimeResponse(messages=[message]))
    expected = [
        "NODE       NTP-SERVER     NODE-TIME                              NTP-SERVER-TIME",
        "10.5.0.2   time.example   2026-01-02 03:04:05.600000 +0000 UTC   2026-01-02 03:04:06.000000 +0000 UTC",
    ]
    assert cluster.run("time").lines == expected
    assert cluster.run("time", "--check", "time.example").lines == expected
    assert [r.server for r in cluster.requests("/time.TimeService/TimeCheck")] == ["time.example"]
