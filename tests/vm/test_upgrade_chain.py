"""Five upgrades in a row, each followed by a cold boot that proves it good, then a return; the power is cut every time.

The systems are written as the node's own upgrade does; whether they are good the machine says itself.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from talos.boot import entries
from tests.vm import installed
from tests.vm.test_bad_systems import install, variant

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.vm_full, pytest.mark.timeout(3000)]
UPGRADES = 5
_NO_TIMER = "IO-APIC + timer doesn't work"


def _proves_good(folder: Path, argument: str, name: str) -> None:
    for attempt in range(entries.TRIES):
        with installed.Machine(folder, serial=f"{name}-{attempt}.log") as machine:
            try:
                machine.wait_for(r"this system is good: the loader keeps it", 600)
            except AssertionError:
                # An emulator that gets no time of its host loses the timer; what has tries stands that, too.
                if _NO_TIMER not in machine.console():
                    raise
                machine.wait_end(120)
                continue
            assert argument in machine.console()
            return
    raise AssertionError("the emulator never had a timer")


@pytest.mark.feature("J009")
def test_five_upgrades_and_a_return(tmp_path: Path) -> None:
    install(tmp_path)
    disk = tmp_path / "target.raw"
    for number in range(1, UPGRADES + 1):
        image = variant(tmp_path, "next", {}, f"upgrade.number={number}")
        entry = installed.add_system(disk, image, f"v{number}")
        image.unlink()
        _proves_good(tmp_path, f"upgrade.number={number}", f"boot-{number}")
        fd, part, _ = installed.system_partition(disk)
        with os.fdopen(fd, "rb"):
            present = part.entries()
            assert [e.tries_left for e in present] == [None, None]
            assert present[0].id == entry
            assert len(part._images()) <= 2
    fd, part, _ = installed.system_partition(disk)
    with os.fdopen(fd, "rb"):
        back = part.roll_back(present[0].image)
        assert back.image == present[1].image
        assert back.tries_left == entries.TRIES
    _proves_good(tmp_path, f"upgrade.number={UPGRADES - 1}", "back")
