import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from talos.base import errors
from talos.supervisor import condition, health, logs, service, supervisor
from talos.supervisor.machine import State
from talos.supervisor.runner import Exit, Runner, inside, process


class Sleeper(service.Service):
    id = "sleeper"
    stop_grace_s = 2.0

    def __init__(self, argv: Sequence[str] = ("/bin/sleep", "600")) -> None:
        self.argv = argv
        self.prepared = 0
        self.cleaned: list[Exit | None] = []
        self.missing: list[condition.Condition] = []
        self.reason: Exception | None = None

    def conditions(self) -> Sequence[condition.Condition]:
        return self.missing

    async def prepare(self) -> None:
        self.prepared += 1
        if self.reason is not None:
            raise self.reason

    def runner(self) -> Runner:
        return process.Process(self.argv)

    async def cleanup(self, outcome: Exit | None) -> None:
        self.cleaned.append(outcome)


@pytest.fixture
async def sup(tmp_path: Path) -> AsyncIterator[supervisor.Supervisor]:
    store = logs.LogStore(tmp_path / "fifo")
    made = supervisor.Supervisor(store, tmp_path / "records", [process.ProcessAdopter()])
    yield made
    await made.stop_all(10)
    await store.close()


def _pid(sup: supervisor.Supervisor, tmp_path: Path, name: str = "sleeper") -> int:
    return int(json.loads((tmp_path / f"records/{name}.json").read_text())["pid"])


def _texts(sup: supervisor.Supervisor, name: str = "sleeper") -> list[str]:
    return [event.message for event in sup.status(name).events]


@pytest.mark.feature("H030", "H034")
async def test_start_and_stop(sup: supervisor.Supervisor, tmp_path: Path) -> None:
    made = Sleeper()
    sup.load(made)
    await sup.start("sleeper")
    await sup.wait_up("sleeper", 5)
    pid = _pid(sup, tmp_path)
    assert sup.service_of(pid) == "sleeper"
    await sup.stop("sleeper")
    status = sup.status("sleeper")
    assert status.state is State.FINISHED
    assert [event.state for event in status.events] == [
        State.INITIALIZED,
        State.STARTING,
        State.PREPARING,
        State.RUNNING,
        State.STOPPING,
        State.FINISHED,
    ]
    assert made.cleaned == [Exit(None, signal.SIGTERM)]
    assert not Path(f"/proc/{pid}").exists()
    assert sup.service_of(pid) is None
    assert not list((tmp_path / "records").iterdir())


@pytest.mark.feature("H034")
async def test_killed_service_is_back_at_once_and_prepared_once(sup: supervisor.Supervisor, tmp_path: Path) -> None:
    made = Sleeper()
    sup.load(made)
    await sup.start("sleeper")
    await sup.wait_up("sleeper", 5)
    first = _pid(sup, tmp_path)
    began = time.monotonic()
    os.kill(first, signal.SIGKILL)
    while not ((tmp_path / "records/sleeper.json").exists() and _pid(sup, tmp_path) != first):
        await asyncio.sleep(0.005)
    assert time.monotonic() - began < 0.5
    await sup.wait_up("sleeper", 5)
    assert made.prepared == 1
    assert any("killed by signal 9; starting again now" in text for text in _texts(sup))


async def test_a_restart_prepares_again_when_what_was_prepared_is_gone(
    sup: supervisor.Supervisor, tmp_path: Path
) -> None:
    class Keeper(Sleeper):
        gone = False

        def still_prepared(self) -> bool:
            return not self.gone

    made = Keeper()
    sup.load(made)
    await sup.start("sleeper")
    await sup.wait_up("sleeper", 5)
    first = _pid(sup, tmp_path)
    made.gone, made.reason = True, errors.NotReady("nothing to begin with")
    os.kill(first, signal.SIGKILL)
    while not any("start failed: nothing to begin with" in text for text in _texts(sup)):
        await asyncio.sleep(0.005)
    assert made.prepared >= 2
    assert not (tmp_path / "records/sleeper.json").exists()  # nothing runs on what is not there
    made.gone, made.reason = False, None
    await sup.wait_up("sleeper", 5)


async def test_back_off_grows_and_an_event_says_so(sup: supervisor.Supervisor) -> None:
    made = Sleeper(("/bin/false",))
    made.backoff = service.Backoff(base_s=0.05)
    sup.load(made)
    await sup.start("sleeper")
    await asyncio.sleep(0.35)
    texts = [text for text in _texts(sup) if "starting again" in text]
    assert texts[0].endswith("exit code 1; starting again now")
    assert texts[1].endswith("starting again in 0.05 s")
    assert texts[2].endswith("starting again in 0.1 s")


@pytest.mark.parametrize(("failures", "pause"), [(1, 0), (2, 0.5), (3, 1), (4, 2), (20, 15)])
def test_pauses(failures: int, pause: float) -> None:
    assert service.Backoff().pause_s(failures) == pause


async def test_program_that_cannot_start_is_told_and_retried(sup: supervisor.Supervisor) -> None:
    sup.load(Sleeper(("/no/such/program",)))
    await sup.start("sleeper")
    with pytest.raises(errors.TimedOut, match="/no/such/program"):
        await sup.wait_up("sleeper", 0.2)
    await sup.stop("sleeper")
    assert sup.status("sleeper").state is State.FINISHED


@pytest.mark.feature("H032")
async def test_missing_conditions_are_named(sup: supervisor.Supervisor, tmp_path: Path) -> None:
    made = Sleeper()
    opened = asyncio.Event()

    async def door() -> None:
        await opened.wait()

    made.missing = [condition.FileExists(tmp_path / "there", 0.01), condition.Call("the door to open", door)]
    sup.load(made)
    await sup.start("sleeper")
    await asyncio.sleep(0.05)
    assert sup.status("sleeper").state is State.WAITING
    assert _texts(sup)[-1] == f"waiting for file {tmp_path}/there to exist, the door to open"
    opened.set()
    await asyncio.sleep(0.05)
    assert _texts(sup)[-1] == f"waiting for file {tmp_path}/there to exist"
    (tmp_path / "there").touch()
    await sup.wait_up("sleeper", 5)


async def test_dependencies_come_first_and_go_last(sup: supervisor.Supervisor) -> None:
    class Base(Sleeper):
        id = "base"

    class Top(Sleeper):
        id = "top"
        depends_on = ("base",)

    order: list[str] = []
    sup.subscribe(lambda event: order.append(f"{event.service} {event.state}"))
    sup.load(Base())
    sup.load(Top())
    await sup.start("top")
    await asyncio.sleep(0.05)
    assert sup.status("top").state is State.WAITING
    await sup.start("base")
    await sup.wait_up("top", 5)
    await sup.stop_all(5)
    assert order.index("base Running") < order.index("top Running")
    assert order.index("top Finished") < order.index("base Stopping")


@pytest.mark.feature("H030")
async def test_health_decides_on_up(sup: supervisor.Supervisor) -> None:
    well = False

    async def check() -> None:
        if not well:
            raise errors.Temporary("not yet")

    made = Sleeper()
    made.health = health.HealthCheck(check, interval_s=0.02, initial_delay_s=0)
    sup.load(made)
    await sup.start("sleeper")
    with pytest.raises(errors.TimedOut):
        await sup.wait_up("sleeper", 0.1)
    assert sup.status("sleeper").health.message == "not yet"
    well = True
    assert (await sup.wait_up("sleeper", 1)).health.healthy is True
    well = False
    await asyncio.sleep(0.1)
    assert sup.status("sleeper").health.healthy is False
    assert _texts(sup)[-2:] == ["health check succeeded", "not healthy: not yet"]


async def test_restarted_supervisor_adopts_what_runs(tmp_path: Path) -> None:
    store = logs.LogStore(tmp_path / "fifo")
    first = supervisor.Supervisor(store, tmp_path / "records", [process.ProcessAdopter()])
    first.load(Sleeper())
    await first.start("sleeper")
    await first.wait_up("sleeper", 5)
    pid = _pid(first, tmp_path)
    await first.detach()
    await store.close()
    assert Path(f"/proc/{pid}").exists()

    store = logs.LogStore(tmp_path / "fifo")
    second = supervisor.Supervisor(store, tmp_path / "records", [process.ProcessAdopter()])
    made = Sleeper()
    second.load(made)
    await second.start("sleeper")
    await second.wait_up("sleeper", 5)
    assert (_pid(second, tmp_path), made.prepared) == (pid, 0)
    os.kill(pid, signal.SIGKILL)
    for _ in range(200):
        await asyncio.sleep(0.01)
        if (tmp_path / "records/sleeper.json").exists() and _pid(second, tmp_path) != pid:
            break
    assert (made.prepared, second.status("sleeper").state) == (1, State.RUNNING)
    await second.stop_all(5)
    await store.close()


async def test_record_of_another_process_is_not_adopted(sup: supervisor.Supervisor, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records/sleeper.json").write_text(json.dumps({"kind": "process", "pid": os.getpid(), "started": 1}))
    sup.load(Sleeper())
    await sup.start("sleeper")
    await sup.wait_up("sleeper", 5)
    assert _pid(sup, tmp_path) != os.getpid()


async def test_nothing_to_run_is_skipped(sup: supervisor.Supervisor) -> None:
    made = Sleeper()
    made.reason = supervisor.NothingToRun("no configuration")
    sup.load(made)
    await sup.start("sleeper")
    assert (await sup.wait_up("sleeper", 5)).state is State.SKIPPED
    assert _texts(sup)[-1] == "no configuration"


async def test_starts_are_refused_while_going_down(sup: supervisor.Supervisor) -> None:
    sup.load(Sleeper())
    sup.refuse_starts()
    with pytest.raises(errors.Denied):
        await sup.start("sleeper")


async def test_unknown_service(sup: supervisor.Supervisor) -> None:
    with pytest.raises(errors.NotFound):
        await sup.start("nothing")


async def test_catalogue_makes_services_at_first_start(tmp_path: Path) -> None:
    store = logs.LogStore(tmp_path / "fifo")
    made = supervisor.Supervisor(
        store, tmp_path / "records", catalogue=lambda name: Sleeper() if name == "sleeper" else None
    )
    await made.start("sleeper")
    await made.wait_up("sleeper", 5)
    await made.stop_all(5)
    await store.close()


async def test_stop_before_the_first_step(sup: supervisor.Supervisor) -> None:
    sup.load(Sleeper())
    await sup.start("sleeper")
    await sup.stop("sleeper")
    assert sup.status("sleeper").state is State.FINISHED


async def test_deaf_process_is_killed_after_the_grace(sup: supervisor.Supervisor, tmp_path: Path) -> None:
    made = Sleeper(("/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"))
    made.stop_grace_s = 0.3
    sup.load(made)
    await sup.start("sleeper")
    await sup.wait_up("sleeper", 5)
    await asyncio.sleep(0.1)
    await sup.stop("sleeper")
    assert made.cleaned == [Exit(None, signal.SIGKILL)]


async def test_part_of_machined(sup: supervisor.Supervisor) -> None:
    class Part(Sleeper):
        restart = service.Restart.UNTIL_SUCCESS

        def __init__(self) -> None:
            super().__init__()
            self.turn = 0

        async def main(self) -> None:
            self.turn += 1
            if self.turn == 1:
                raise RuntimeError("first time")

        def runner(self) -> Runner:
            return inside.Inside(self.main)

    sup.load(Part())
    await sup.start("sleeper")
    await sup.wait_down("sleeper", 5)
    assert sup.status("sleeper").state is State.FINISHED
    assert any("exit code 1 (first time)" in text for text in _texts(sup))


async def test_a_service_that_cannot_say_what_it_needs_is_retried(sup: supervisor.Supervisor) -> None:
    made = Sleeper()
    made.backoff = service.Backoff(base_s=0.01)
    left = [OSError(5, "first"), OSError(5, "second")]

    def conditions() -> Sequence[condition.Condition]:
        if left:
            raise left.pop()
        return ()

    made.conditions = conditions  # type: ignore[method-assign]
    sup.load(made)
    await sup.start("sleeper")
    await sup.wait_up("sleeper", 5)


async def test_a_full_disk_keeps_no_service_from_running(sup: supervisor.Supervisor, tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file where a directory should be")
    sup.load(Sleeper())
    await sup.start("sleeper")
    await sup.wait_up("sleeper", 5)
    await sup.stop("sleeper")
