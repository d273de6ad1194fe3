"""The clock follows servers: real packets over loopback, a clock that is only told to be set."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from talos.base import errors
from talos.linux import adjtime
from talos.machined.controllers.network.time_server_config import TimeServerConfigController
from talos.machined.controllers.time import _discipline, _ntp, adjtime_status, sync
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.time_server_spec import TIME_SERVER_ID, TimeServerSpec
from talos.machinery.resources.network.time_server_status import TimeServerStatus
from talos.machinery.resources.time.adjtime_status import ADJTIME_STATUS_ID, AdjtimeStatus
from talos.machinery.resources.time.ntp_status import NTP_STATUS_ID, NTPStatus
from talos.machinery.resources.time.time_status import STATUS_ID, TimeStatus
from talos.testing import ctest

LOG = logging.getLogger("test")


class WrongClock(adjtime.Clock):
    """The machine's clock, wrong by `error_s`, until it is set."""

    def __init__(self, error_s: float) -> None:
        self.error_s = error_s
        self.done: list[str] = []

    def now(self) -> float:
        return time.time() + self.error_s

    def step(self, offset_s: float) -> None:
        self.error_s += offset_s
        self.done.append("step")

    def slew(self, offset_s: float, poll_s: float) -> None:
        self.error_s += offset_s
        self.done.append("slew")


def ntp_time(at: float) -> bytes:
    return struct.pack("!II", (int(at) + 2_208_988_800) & 0xFFFFFFFF, int(at % 1 * 2**32))


def answer(question: bytes, **changes: Any) -> bytes:
    now = ntp_time(time.time() + changes.get("ahead_s", 0.0))
    head = changes.get("head", 0b00_100_100)
    fields = (head, changes.get("stratum", 2), 6, -20, 100, changes.get("dispersion", 100))
    cookie = changes.get("cookie", question[40:48])
    return struct.pack("!BBbbII4s8s8s8s8s", *fields, b"RATE", now, cookie, now, changes.get("left", now))


@contextlib.asynccontextmanager
async def serving(make: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.transport.sendto(make(data), addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


@pytest.mark.parametrize("error_s", [-7200.0, -0.01, 0.0, 3.5])
async def test_the_offset_is_measured(error_s: float) -> None:
    async with serving(answer) as port:
        sample = await _ntp.ask("127.0.0.1", WrongClock(error_s), port=port)
    assert sample.offset_s == pytest.approx(-error_s, abs=0.02)
    assert 0 <= sample.round_trip_s < 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": 0b00_100_011}, "none to the question"),
        ({"head": 0b11_100_100}, "no time itself"),
        ({"stratum": 16}, "no time itself"),
        ({"stratum": 0}, "refuses: RATE"),
        ({"dispersion": 10 << 16}, "no time itself"),
        ({"left": bytes(8)}, "has no time"),
    ],
)
async def test_answers_that_are_none(changes: dict[str, Any], message: str) -> None:
    async with serving(lambda question: answer(question, **changes)) as port:
        with pytest.raises(errors.Invalid, match=message):
            await _ntp.ask("127.0.0.1", WrongClock(0), port=port)


async def test_somebody_elses_packet_is_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ntp, "TIMEOUT_S", 0.1)
    async with serving(lambda question: answer(question, cookie=b"12345678")) as port:
        with pytest.raises(errors.TimedOut):
            await _ntp.ask("127.0.0.1", WrongClock(0), port=port)


def test_timestamps_past_2036() -> None:
    at = 2_300_000_000.25
    assert _ntp.seconds(ntp_time(at), at + 100) == pytest.approx(at)


def test_a_spike_is_passed_over_and_a_new_truth_is_not() -> None:
    judge = _ntp.Filter(patience=2)
    assert all(judge.accepts(_ntp.Sample(0.001 * n, 0.01)) for n in range(4))
    assert not judge.accepts(_ntp.Sample(2.0, 0.01))
    assert judge.spikes == 1
    assert judge.accepts(_ntp.Sample(0.002, 0.01))
    assert judge.spikes == 0
    assert [judge.accepts(_ntp.Sample(2.0, 0.01)) for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(("poll", "offset", "expected"), [(32, 0.001, 64), (1024, 0, 1024), (64, 0.1, 32), (32, 1, 32)])
def test_how_often(poll: float, offset: float, expected: float) -> None:
    assert _discipline.next_poll(poll, offset) == expected


async def test_the_next_source_when_one_is_silent() -> None:
    clock, woken = WrongClock(-0.05), asyncio.Event()
    async with serving(answer) as port:
        made = _discipline.Discipline(_discipline.Settings(("/dev/does-not-exist", "127.0.0.1")), clock, woken.set, LOG)
        made.port = port
        task = asyncio.create_task(made.run())
        async with asyncio.timeout(5):
            await woken.wait()
        task.cancel()
    assert (made.outcome.synced, made.outcome.epoch, clock.done) == (True, 0, ["slew"])


@pytest.mark.feature("E246", "L022")
async def test_the_clock_is_set_and_the_status_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WrongClock(-3600.0)
    async with serving(answer) as port:
        monkeypatch.setattr(_ntp, "PORT", port)
        async with ctest.bench(sync.SyncController(clock)) as b:
            assert not (await b.expect(TimeStatus, STATUS_ID)).spec.synced
            servers = TimeServerStatus.Spec(ntp_servers=("127.0.0.1",))
            await b.put(TimeServerStatus(TIME_SERVER_ID, servers))
            status = (await b.expect(TimeStatus, STATUS_ID, lambda one: one.spec.synced)).spec
            assert (status.epoch, status.sync_disabled) == (1, False)
            assert not (await b.expect(NTPStatus, NTP_STATUS_ID)).spec.spike_detected
    assert clock.done == ["step"]
    assert abs(clock.error_s) < 0.02


@pytest.mark.feature("E246")
@pytest.mark.parametrize(
    ("boot_timeout", "error_s", "synced"), [("", 0.0, True), ("", -10 * 365 * 86400.0, False), ("50ms", -1e9, True)]
)
async def test_without_reach_nobody_waits_for_ever(
    boot_timeout: str, error_s: float, synced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PATIENCE_S", 0.05)
    document = "apiVersion: v1alpha1\nkind: TimeSyncConfig\n" + (boot_timeout and f"bootTimeout: {boot_timeout}\n")
    async with ctest.bench(sync.SyncController(WrongClock(error_s))) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document.encode())))
        await asyncio.sleep(0.2)
        await b.settle()
        assert (await b.expect(TimeStatus, STATUS_ID)).spec.synced is synced


async def test_switched_off() -> None:
    document = b"apiVersion: v1alpha1\nkind: TimeSyncConfig\nenabled: false\n"
    clock = WrongClock(-3600.0)
    async with ctest.bench(sync.SyncController(clock)) as b:
        await b.put(TimeServerStatus(TIME_SERVER_ID, TimeServerStatus.Spec(ntp_servers=("127.0.0.1",))))
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document)))
        status = (await b.expect(TimeStatus, STATUS_ID, lambda one: one.spec.sync_disabled)).spec
        assert status.synced
    assert clock.done == []


async def test_authenticated_servers_are_not_asked_without_authentication() -> None:
    asked: list[bytes] = []

    def listen(question: bytes) -> bytes:
        asked.append(question)
        return answer(question)

    clock = WrongClock(-3600.0)
    async with serving(listen), ctest.bench(sync.SyncController(clock)) as b:
        servers = TimeServerStatus.Spec(ntp_servers=("127.0.0.1",), use_nts=True)
        await b.put(TimeServerStatus(TIME_SERVER_ID, servers))
        assert not (await b.expect(TimeStatus, STATUS_ID)).spec.synced
    assert (asked, clock.done) == ([], [])


async def test_clock_devices_of_the_configuration() -> None:
    document = b"apiVersion: v1alpha1\nkind: TimeSyncConfig\nptp:\n  devices: [/dev/ptp0]\n"
    async with ctest.bench(TimeServerConfigController()) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document)))
        found = await b.expect(TimeServerSpec, f"configuration/{TIME_SERVER_ID}", namespace="network-config")
        assert found.spec.ntp_servers == ("/dev/ptp0",)


@pytest.mark.feature("E245")
async def test_the_kernels_own_view() -> None:
    async with ctest.bench(adjtime_status.AdjtimeStatusController(adjtime.Clock())) as b:
        spec = (await b.expect(AdjtimeStatus, ADJTIME_STATUS_ID)).spec
    assert spec.state.startswith("TIME_")
    assert 0.9 < spec.frequency_adjustment_ratio < 1.1
    assert spec.sync_status is ("STA_UNSYNC" not in spec.status)


def test_software_time(tmp_path: Path) -> None:
    file = tmp_path / "os-release"
    assert sync.software_time(file) > 1.7e9
    file.touch()
    assert sync.software_time(file) == pytest.approx(time.time(), abs=10)
