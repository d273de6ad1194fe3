from pathlib import Path

import pytest

from talos.machined.api import cpufreq


@pytest.mark.feature("A018")
def test_frequencies_are_hertz_in_order_of_cpus(tmp_path: Path) -> None:
    for number in (10, 2, 0):
        folder = tmp_path / f"cpu{number}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{1000 + number}\n")
        (folder / "cpuinfo_min_freq").write_text("800000\n")
        (folder / "cpuinfo_max_freq").write_text("4200000\n")
        (folder / "scaling_governor").write_text("schedutil\n")
    (tmp_path / "cpu1").mkdir()
    (tmp_path / "cpufreq").mkdir()
    found = cpufreq.read(tmp_path)
    assert [cpu.current_frequency for cpu in found] == [1_000_000, 1_002_000, 1_010_000]
    assert {(cpu.minimum_frequency, cpu.maximum_frequency, cpu.governor) for cpu in found} == {
        (800_000_000, 4_200_000_000, "schedutil")
    }


def test_a_driver_that_does_not_know_says_zero(tmp_path: Path) -> None:
    (tmp_path / "cpu0/cpufreq").mkdir(parents=True)
    (tmp_path / "cpu0/cpufreq/scaling_cur_freq").write_text("<unknown>\n")
    (found,) = cpufreq.read(tmp_path)
    assert (found.current_frequency, found.governor) == (0, "")
