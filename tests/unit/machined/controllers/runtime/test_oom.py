"""What the expressions see, and who is chosen."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from talos.linux import pressure
from talos.machined.controllers.runtime import _oom
from talos.machinery import cel

PRESSURE = "some avg10=1.50 avg60=0.00 avg300=0.00 total=%d\nfull avg10=%s avg60=0.10 avg300=0.00 total=%d\n"
BEST_EFFORT, BURSTABLE, GUARANTEED, RUNTIME, SYSTEM = range(5)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for group in ("init", "system", "podruntime", "kubepods", "kubepods/besteffort", "kubepods/burstable"):
        (tmp_path / group).mkdir(parents=True)
        (tmp_path / group / "memory.pressure").write_text(PRESSURE % (100, "2.00", 50))
        (tmp_path / group / "memory.current").write_text("1000\n")
        (tmp_path / group / "memory.max").write_text("max\n")
    (tmp_path / "whole").write_text(PRESSURE % (1000, "3.25", 400))
    return tmp_path


def pod(root: Path, path: str, current: int, limit: str = "max") -> None:
    folder = root / path
    folder.mkdir(parents=True)
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.max").write_text(f"{limit}\n")


def test_pressure_of_the_kernel_is_understood() -> None:
    assert pressure.parse(PRESSURE % (7, "2.00", 5)) == {
        "some_avg10": 1.5,
        "some_avg60": 0,
        "some_avg300": 0,
        "some_total": 7,
        "full_avg10": 2,
        "full_avg60": 0.1,
        "full_avg300": 0,
        "full_total": 5,
    }
    assert "full_total" in pressure.read()


def test_figures_and_their_changes(root: Path) -> None:
    before = _oom.look(root, root / "whole", 10.0)
    (root / "system/memory.pressure").write_text(PRESSURE % (100, "2.00", 1050))
    (root / "whole").write_text(PRESSURE % (1000, "3.25", 600))
    seen = _oom.variables(_oom.look(root, root / "whole", 10.5), before, 7.0)
    assert (seen["memory_full_avg10"], seen["d_memory_full_total"]) == (3.25, 400.0)
    assert seen["qos_memory_current"] == {0: 1000, 1: 1000, 2: 1000, 3: 1000, 4: 2000}
    assert seen["d_qos_memory_full_total"][SYSTEM] == 2000.0
    assert seen["time_since_trigger"] == datetime.timedelta(seconds=7)
    assert cel.matches("d_qos_memory_full_total[System] == 2000.0", "oom-trigger", seen)


@pytest.mark.parametrize(
    ("system_total", "avg10", "since_s", "expected"),
    [(50, "3.00", 60, False), (400, "3.00", 60, True), (400, "3.00", 1, False), (50, "80.00", 60, True)],
)
def test_the_default_trigger(root: Path, system_total: int, avg10: str, since_s: float, expected: bool) -> None:
    before = _oom.look(root, root / "whole", 0.0)
    (root / "system/memory.pressure").write_text(PRESSURE % (100, "2.00", system_total + 50))
    (root / "whole").write_text(PRESSURE % (1000, avg10, 400))
    seen = _oom.variables(_oom.look(root, root / "whole", 0.5), before, since_s)
    assert cel.matches(_oom.TRIGGER, "oom-trigger", seen) is expected


def test_who_goes(root: Path) -> None:
    pod(root, "kubepods/burstable/podlarge", 9000)
    pod(root, "kubepods/besteffort/podsmall", 10)
    pod(root, "kubepods/besteffort/podmedium", 500)
    pod(root, "kubepods/besteffort/podlimited", 90000, "100000")
    pod(root, "kubepods/podguaranteed", 99999)
    found = _oom.candidates(root)
    assert len(found) == 5
    strict = _oom.rank(_oom.RANKING, found, strict=True)
    assert strict is not None
    assert (strict[0].path, strict[1]) == ("kubepods/besteffort/podmedium", 500.0)
    loose = _oom.rank(_oom.RANKING, found, strict=False)
    assert loose is not None
    assert loose[0].path == "kubepods/burstable/podlarge"
    assert _oom.rank("0.0", found, strict=True) is None
    assert _oom.rank(_oom.RANKING, [], strict=True) is None
