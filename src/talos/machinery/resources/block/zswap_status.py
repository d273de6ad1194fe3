"""Resource type ZswapStatuses.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

ZSWAP_STATUS_ID = "zswap"


class ZswapStatus(resource.Resource["ZswapStatus.Spec"]):
    """Counters of the compressed swap cache."""

    definition = resource.Definition(
        type="ZswapStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Total Size", "{.totalSizeHuman}"),
            resource.PrintColumn("Stored Pages", "{.storedPages}"),
            resource.PrintColumn("Written Back", "{.writtenBackPages}"),
            resource.PrintColumn("Pool Limit Hit", "{.poolLimitHit}"),
        ),
        message="talos.resource.definitions.block.ZswapStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        total_size_bytes: int = msgspec.field(default=0, name="totalSize")
        total_size_human: str = msgspec.field(default="", name="totalSizeHuman")
        stored_pages: int = msgspec.field(default=0, name="storedPages")
        pool_limit_hit: int = msgspec.field(default=0, name="poolLimitHit")
        reject_reclaim_fail: int = msgspec.field(default=0, name="rejectReclaimFail")
        reject_alloc_fail: int = msgspec.field(default=0, name="rejectAllocFail")
        reject_kmemcache_fail: int = msgspec.field(default=0, name="rejectKmemcacheFail")
        reject_compress_fail: int = msgspec.field(default=0, name="rejectCompressFail")
        reject_compress_poor: int = msgspec.field(default=0, name="rejectCompressPoor")
        written_back_pages: int = msgspec.field(default=0, name="writtenBackPages")
