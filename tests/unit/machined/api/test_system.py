"""Statistics: kernel text -> messages, on recorded /proc files."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.linux import procfs
from talos.machined.api import system

MEMINFO = """MemTotal:       24576000 kB
MemFree:         1024 kB
Active(anon):    7 kB
NFS_Unstable:    3 kB
HugePages_Total:       5
Hugepagesize:       2048 kB
DirectMap4k:       11 kB
Zswap:              1 kB
"""
STAT = """cpu  100 200 300 400 5 6 7 8 9 10
cpu0 50 100 150 200 1 2 3 4 5 6
cpu1 50 100 150 200 1 2 3 4 5 6
intr 42 1 2 3
ctxt 1000
btime 1700000000
processes 77
procs_running 2
procs_blocked 1
softirq 55 1 2 3 4 5 6 7 8 9 10
"""
DISKSTATS = "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n   8       1 sda1 1 1 1 1 1 1 1 1 1 1 1\n"
NETDEV = """Inter-|   Receive                                                |  Transmit
 face |bytes packets errs|bytes
    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
  eth0: 10 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    for name, text in {"meminfo": MEMINFO, "stat": STAT, "diskstats": DISKSTATS, "net/dev": NETDEV}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.feature("A043", "Q015")
def test_memory_names_follow_the_kernel(proc: Path) -> None:
    message = system.memory_message(procfs.meminfo(proc))
    assert (message.memtotal, message.memfree, message.activeanon) == (24576000, 1024, 7)
    assert (message.nfsunstable, message.hugepagestotal, message.hugepagesize, message.directmap4k) == (3, 5, 2048, 11)


@pytest.mark.feature("A058", "Q015")
def test_stat_counts_and_times(proc: Path) -> None:
    message = system.stat_message(procfs.stat(proc))
    assert message.boot_time == 1700000000
    assert message.cpu_total.user == pytest.approx(1.0)
    assert message.cpu_total.guest_nice == pytest.approx(0.1)
    assert len(message.cpu) == 2
    assert (message.irq_total, list(message.irq)) == (42, [1, 2, 3])
    assert (message.context_switches, message.process_created) == (1000, 77)
    assert (message.process_running, message.process_blocked) == (2, 1)
    assert (message.soft_irq.hi, message.soft_irq.rcu, message.soft_irq_total) == (1, 10, 55)


@pytest.mark.feature("A020")
def test_disk_counters_in_kernel_order_and_old_kernels(proc: Path) -> None:
    whole, partition = procfs.diskstats(proc)
    message = system.disk_message(whole.name, whole.counters)
    assert (message.name, message.read_completed, message.write_time_ms, message.discard_time_ms) == ("sda", 1, 8, 15)
    assert system.disk_message(partition.name, partition.counters).discard_completed == 0


@pytest.mark.feature("A045")
def test_network_counters_by_direction(proc: Path) -> None:
    _, eth0 = procfs.network_devices(proc)
    message = system.network_message(eth0.name, eth0.receive, eth0.transmit)
    assert (message.name, message.rx_bytes, message.rx_multicast) == ("eth0", 10, 80)
    assert (message.tx_bytes, message.tx_collisions, message.tx_carrier, message.tx_compressed) == (90, 140, 150, 160)


@pytest.mark.feature("A046")
def test_process_table_holds_this_very_process() -> None:
    import os

    rows = {p.pid: system.process_message(p) for p in procfs.processes()}
    own = rows[os.getpid()]
    assert own.ppid == os.getppid()
    assert own.threads >= 1
    assert own.resident_memory > 1 << 20
    assert "python" in own.args
