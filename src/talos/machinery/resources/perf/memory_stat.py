"""Resource type MemoryStats.perf.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

MEMORY_ID = "latest"


class MemoryStat(resource.Resource["MemoryStat.Spec"]):
    """Memory counters, as in /proc/meminfo."""

    definition = resource.Definition(
        type="MemoryStats.perf.talos.dev",
        namespace="perf",
        print_columns=(
            resource.PrintColumn("Used", "{.used}"),
            resource.PrintColumn("Total", "{.total}"),
        ),
        message="talos.resource.definitions.perf.MemorySpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        mem_total: int = msgspec.field(default=0, name="total")
        mem_used: int = msgspec.field(default=0, name="used")
        mem_available: int = msgspec.field(default=0, name="available")
        buffers: int = 0
        cached: int = 0
        swap_cached: int = msgspec.field(default=0, name="swapCached")
        active: int = 0
        inactive: int = 0
        active_anon: int = msgspec.field(default=0, name="activeAnon")
        inactive_anon: int = msgspec.field(default=0, name="inactiveAnon")
        active_file: int = msgspec.field(default=0, name="activeFile")
        inactive_file: int = msgspec.field(default=0, name="inactiveFile")
        unevictable: int = 0
        mlocked: int = 0
        swap_total: int = msgspec.field(default=0, name="swapTotal")
        swap_free: int = msgspec.field(default=0, name="swapFree")
        dirty: int = 0
        writeback: int = 0
        anon_pages: int = msgspec.field(default=0, name="anonPages")
        mapped: int = 0
        shmem: int = 0
        slab: int = 0
        s_reclaimable: int = msgspec.field(default=0, name="sreclaimable")
        s_unreclaim: int = msgspec.field(default=0, name="sunreclaim")
        kernel_stack: int = msgspec.field(default=0, name="kernelStack")
        page_tables: int = msgspec.field(default=0, name="pageTables")
        nf_sunstable: int = msgspec.field(default=0, name="nfsunstable")
        bounce: int = 0
        writeback_tmp: int = msgspec.field(default=0, name="writeBacktmp")
        commit_limit: int = msgspec.field(default=0, name="commitLimit")
        committed_as: int = msgspec.field(default=0, name="commitTedas")
        vmalloc_total: int = msgspec.field(default=0, name="vmallocTotal")
        vmalloc_used: int = msgspec.field(default=0, name="vmallocUsed")
        vmalloc_chunk: int = msgspec.field(default=0, name="vmallocChunk")
        hardware_corrupted: int = msgspec.field(default=0, name="hardwareCorrupted")
        anon_huge_pages: int = msgspec.field(default=0, name="anonHugePages")
        shmem_huge_pages: int = msgspec.field(default=0, name="shmemHugePages")
        shmem_pmd_mapped: int = msgspec.field(default=0, name="shmemPmdMapped")
        cma_total: int = msgspec.field(default=0, name="cmaTotal")
        cma_free: int = msgspec.field(default=0, name="cmaFree")
        huge_pages_total: int = msgspec.field(default=0, name="hugePagesTotal")
        huge_pages_free: int = msgspec.field(default=0, name="hugePagesFree")
        huge_pages_rsvd: int = msgspec.field(default=0, name="hugePagesRsvd")
        huge_pages_surp: int = msgspec.field(default=0, name="hugePagesSurp")
        hugepagesize: int = 0
        direct_map4k: int = msgspec.field(default=0, name="directMap4k")
        direct_map2m: int = msgspec.field(default=0, name="directMap2m")
        direct_map1g: int = msgspec.field(default=0, name="directMap1g")
