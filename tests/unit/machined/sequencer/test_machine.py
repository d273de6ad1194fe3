import asyncio

import pytest

from talos.base import errors
from talos.machined import events
from talos.machined.sequencer import machine
from talos.machined.sequencer.machine import Phase, Task
from talos.machined.sequences import Name
from talos.machinery.api._generated.machine import machine_pb2


@pytest.fixture
def bus() -> events.EventBus:
    return events.EventBus()


def _told(bus: events.EventBus) -> list[str]:
    told = []
    for event in bus._ring:
        payload = event.payload
        if isinstance(payload, machine_pb2.SequenceEvent):
            told.append(f"sequence {payload.sequence} {machine_pb2.SequenceEvent.Action.Name(payload.action)}")
        elif isinstance(payload, machine_pb2.PhaseEvent):
            told.append(f"phase {payload.phase} {machine_pb2.PhaseEvent.Action.Name(payload.action)}")
        elif isinstance(payload, machine_pb2.TaskEvent):
            told.append(f"task {payload.task} {machine_pb2.TaskEvent.Action.Name(payload.action)}")
    return told


async def _nothing() -> None:
    return


async def _for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.feature("H026")
async def test_phases_in_order_tasks_at_once_and_all_is_told(bus: events.EventBus) -> None:
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    sequencer = machine.Sequencer(bus)
    await sequencer.start(
        Name.BOOT,
        [Phase("one", [Task("a", meet), Task("b", meet)]), Phase("two", [Task("c", _nothing)])],
        actor_id="who",
    )
    assert _told(bus) == [
        "sequence boot START",
        "phase one START",
        "task a START",
        "task b START",
        "task a STOP",
        "task b STOP",
        "phase one STOP",
        "phase two START",
        "task c START",
        "task c STOP",
        "phase two STOP",
        "sequence boot STOP",
    ] or sorted(_told(bus)[4:6]) == ["task a STOP", "task b STOP"]
    assert {event.actor_id for event in bus._ring} == {"who"}
    assert sequencer.status.booted
    assert sequencer.status.running is None


@pytest.mark.feature("H026")
async def test_a_failure_ends_the_sequence_with_an_error_code(bus: events.EventBus) -> None:
    async def fail() -> None:
        raise errors.Temporary("no luck")

    sequencer = machine.Sequencer(bus)
    with pytest.raises(errors.Temporary):
        await sequencer.start(Name.BOOT, [Phase("one", [Task("a", fail)]), Phase("two", [Task("b", fail)])])
    last = bus._ring[-1].payload
    assert isinstance(last, machine_pb2.SequenceEvent)
    assert (last.error.message, last.error.code) == ("no luck", 0)
    assert "phase two START" not in _told(bus)
    assert not sequencer.status.booted


async def test_tolerant_phases_go_on_and_tasks_are_bounded(bus: events.EventBus) -> None:
    sequencer = machine.Sequencer(bus)
    await sequencer.start(
        Name.SHUTDOWN, [Phase("one", [Task("a", _for_ever, 0.02)], tolerant=True), Phase("two", [Task("b", _nothing)])]
    )
    assert "phase two STOP" in _told(bus)
    with pytest.raises(errors.TimedOut, match=r"task a did not end within 0\.02 s"):
        await sequencer.start(Name.SHUTDOWN, [Phase("one", [Task("a", _for_ever, 0.02)])])


TABLE = [
    (running, wanted, wanted in taken)
    for running, taken in {
        Name.INITIALIZE: {Name.MAINTENANCE_UPGRADE, Name.REBOOT},
        Name.BOOT: {Name.REBOOT, Name.RESET, Name.UPGRADE},
        Name.REBOOT: {Name.REBOOT},
        Name.RESET: {Name.REBOOT},
        Name.SHUTDOWN: set(),
        Name.UPGRADE: set(),
    }.items()
    for wanted in Name
]


@pytest.mark.feature("H025")
@pytest.mark.parametrize(("running", "wanted", "free"), TABLE)
async def test_who_may_take_over(bus: events.EventBus, running: Name, wanted: Name, free: bool) -> None:
    sequencer = machine.Sequencer(bus)
    first = sequencer.start(running, [Phase("long", [Task("wait", _for_ever)])])
    await asyncio.sleep(0)
    if free:
        await sequencer.start(wanted, [Phase("short", [Task("do", _nothing)])])
        assert first.cancelled()
    else:
        with pytest.raises(machine.Locked, match="locked out"):
            sequencer.start(wanted, [])
        assert not first.done()
    await sequencer.close()


@pytest.mark.feature("H027")
async def test_force_takes_over_anything(bus: events.EventBus) -> None:
    sequencer = machine.Sequencer(bus)
    first = sequencer.start(Name.UPGRADE, [Phase("long", [Task("wait", _for_ever)])])
    await asyncio.sleep(0)
    await sequencer.start(Name.SHUTDOWN, [Phase("short", [Task("do", _nothing)])], force=True)
    assert first.cancelled()
    codes = [e.payload.error.code for e in bus._ring if isinstance(e.payload, machine_pb2.SequenceEvent)]
    assert 2 in codes  # the interrupted one was told as cancelled
