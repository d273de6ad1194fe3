import os
from pathlib import Path

import pytest

from talos.linux import procfs


def test_own_process_is_described() -> None:
    found = procfs.process(os.getpid())
    assert found.ppid == os.getppid()
    assert found.threads >= 1
    assert found.resident_bytes > 1_000_000
    assert "python" in found.executable


def test_command_with_parentheses_and_spaces(tmp_path: Path) -> None:
    base = tmp_path / "7"
    base.mkdir()
    fields = ["S", "3"] + ["0"] * 9 + ["100", "50"] + ["0"] * 4 + ["2", "0", "4242", "8192", "3"]
    (base / "stat").write_text("7 (a) b (c)) " + " ".join(fields))
    found = procfs.process(7, tmp_path)
    assert found.command == "a) b (c)"
    assert (found.ppid, found.threads, found.started_ticks) == (3, 2, 4242)
    assert found.cpu_time_s == 150 / procfs.CLOCK_TICKS
    assert found.resident_bytes == 3 * procfs.PAGE_BYTES


def test_meminfo(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       1024 kB\nActive(anon):  7 kB\nHugePages_Total:   0\nbad\n")
    assert procfs.meminfo(tmp_path) == {"MemTotal": 1024, "Active(anon)": 7, "HugePages_Total": 0}


def test_stat_of_this_machine_adds_up() -> None:
    stat = procfs.stat()
    assert len(stat.cpus) == os.cpu_count()
    assert stat.irq_total >= sum(stat.irq) > 0
    assert len(stat.soft_irq) == 10
    assert stat.boot_time > 1_000_000_000


def test_network_devices_and_disks(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/dev").write_text(
        "h1\nh2\n  lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\neth0:1 1 1 1 1 1 1 1 2 2 2 2 2 2 2 2\n"
    )
    (tmp_path / "diskstats").write_text(" 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n")
    devices = procfs.network_devices(tmp_path)
    assert [d.name for d in devices] == ["lo", "eth0"]
    assert devices[0].transmit == (9, 10, 11, 12, 13, 14, 15, 16)
    assert procfs.diskstats(tmp_path)[0].counters[-1] == 17


def test_cpuinfo_of_this_machine() -> None:
    cpus = procfs.cpuinfo()
    assert len(cpus) == os.cpu_count()
    assert cpus[0].number("bogomips") > 0
    assert cpus[0].number("no such key") == 0


@pytest.mark.parametrize("reader", [procfs.loadavg, procfs.boot_id, procfs.uptime_s, procfs.cmdline])
def test_readers_read(reader: object) -> None:
    assert reader()  # type: ignore[operator]
