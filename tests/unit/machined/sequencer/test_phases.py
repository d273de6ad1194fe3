from typing import Any

import pytest

from talos.base import errors
from talos.base.constants import kernel
from talos.linux import procfs
from talos.machined.modes import Mode
from talos.machined.sequencer import context, phases
from talos.machined.sequencer.tasks import machine
from talos.machined.sequences import Name, Reset


def _context(mode: Mode = Mode.CONTAINER, **reset: Any) -> context.Context:
    nothing: Any = None
    return context.Context(nothing, nothing, nothing, nothing, nothing, mode, nothing, Reset(**reset))


def _names(name: Name, made: context.Context, **options: Any) -> list[tuple[str, list[str]]]:
    return [(phase.name, [task.name for task in phase.tasks]) for phase in phases.phases(name, made, **options)]


@pytest.mark.feature("H009", "R005")
def test_initialize_in_a_container() -> None:
    assert _names(Name.INITIALIZE, _context()) == [
        ("machined", ["startMachined", "startApid"]),
        ("config", ["loadConfig"]),
    ]


@pytest.mark.feature("H008", "P001")
def test_a_machine_checks_its_kernel_before_all_else() -> None:
    assert _names(Name.INITIALIZE, _context(Mode.METAL))[0] == ("systemRequirements", ["systemRequirements"])


@pytest.mark.feature("P001")
@pytest.mark.parametrize(
    ("cmdline", "missing"),
    [
        (" ".join(kernel.DEFAULT), []),
        ("slab_nomerge= pti=off pti=on quiet", []),
        ("slab_nomerge pti=on pti=off", ["pti=on"]),
        ("pti=on", ["slab_nomerge"]),
        ("slab_nomerge pti=off", ["pti=on"]),
        ("slab_nomergex xpti=on", ["slab_nomerge", "pti=on"]),
        ("", ["slab_nomerge", "pti=on"]),
    ],
)
def test_kernel_arguments_a_machine_insists_on(cmdline: str, missing: list[str]) -> None:
    assert machine.unmet_requirements(cmdline) == missing


@pytest.mark.feature("P001")
async def test_a_kernel_without_them_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procfs, "cmdline", lambda: "slab_nomerge")
    with pytest.raises(errors.Permanent, match="pti=on"):
        await machine.system_requirements(_context(Mode.METAL))


@pytest.mark.feature("H013", "R006")
def test_boot_in_a_container() -> None:
    assert [name for name, _ in _names(Name.BOOT, _context())] == [
        "memorySizeCheck",
        "sharedFilesystems",
        "ephemeral",
        "startEverything",
    ]


@pytest.mark.feature("H016")
def test_forced_reboot_spares_the_pods() -> None:
    gentle = [name for name, _ in _names(Name.REBOOT, _context())]
    forced = [name for name, _ in _names(Name.REBOOT, _context(), force=True)]
    assert gentle == ["cleanup", *forced]
    assert forced[-1] == "reboot"


@pytest.mark.feature("H018", "R004")
def test_shutdown() -> None:
    forced = [name for name, _ in _names(Name.SHUTDOWN, _context(), force=True)]
    gentle = [name for name, _ in _names(Name.SHUTDOWN, _context())]
    assert gentle == ["drain", *forced]
    assert forced == [
        "cleanup",
        "denyNewServices",
        "stopEverything",
        "unmountEphemeral",
        "shutdown",
    ]


@pytest.mark.feature("H019", "R004")
@pytest.mark.parametrize(
    ("graceful", "reboot", "expected"),
    [
        (True, False, ["cordonAndDrain", "removePods", "leaveEtcd", "withdraw", "stopEverything", "wipe", "shutDown"]),
        (True, True, ["cordonAndDrain", "removePods", "leaveEtcd", "withdraw", "stopEverything", "wipe", "reboot"]),
        (False, False, ["stopPods", "withdraw", "stopEverything", "wipe", "shutDown"]),
    ],
)
def test_reset(graceful: bool, reboot: bool, expected: list[str]) -> None:
    tasks = [task for _, names in _names(Name.RESET, _context(graceful=graceful, reboot=reboot)) for task in names]
    assert [task for task in tasks if task not in {"denyNewServices", "unmountEphemeral"}] == expected


@pytest.mark.feature("M044")
def test_an_upgrade_drains_unless_it_is_forced_or_nothing_runs_yet() -> None:
    machine = _context(Mode.METAL)
    assert [name for name, _ in _names(Name.UPGRADE, machine)][:3] == ["drain", "upgrade", "cleanup"]
    for name, force in ((Name.UPGRADE, True), (Name.MAINTENANCE_UPGRADE, False)):
        assert _names(name, machine, force=force)[0][0] == "upgrade"


@pytest.mark.feature("R003")
def test_no_upgrade_in_a_container() -> None:
    with pytest.raises(errors.Unsupported, match="container mode"):
        phases.phases(Name.UPGRADE, _context())


def test_nothing_on_the_way_down_can_keep_the_machine_up() -> None:
    for name in (Name.REBOOT, Name.SHUTDOWN, Name.RESET):
        *before, last = phases.phases(name, _context())
        assert all(phase.tolerant for phase in before)
        assert not last.tolerant
        assert all(task.timeout_s <= 600 for phase in before for task in phase.tasks)
