from talos.linux import procfs
from talos.machined.controllers.perf import stats
from talos.machinery.resources.perf import cpu_stat, memory_stat
from tests.unit.machined.controllers.running import running


def test_memory_by_name() -> None:
    spec = stats.memory_spec({"MemTotal": 100, "MemAvailable": 60, "Active(anon)": 7, "Committed_AS": 9})
    assert (spec.mem_total, spec.mem_used, spec.mem_available, spec.active_anon, spec.committed_as) == (
        100,
        40,
        60,
        7,
        9,
    )


def test_cpu_times_of_this_machine() -> None:
    found = procfs.stat()
    spec = stats.cpu_spec(found)
    assert len(spec.cpu) == len(found.cpus)
    assert spec.cpu_total.user == found.cpu_total.user
    assert spec.process_created == found.processes_created


async def test_both_are_published() -> None:
    async with running(stats.StatsController()) as (store, runtime):
        await runtime.wait_idle()
        assert (await store.get(cpu_stat.CPUStat, cpu_stat.CPU_ID)).spec.context_switches > 0
        assert (await store.get(memory_stat.MemoryStat, memory_stat.MEMORY_ID)).spec.mem_total > 0
