"""Labels and sizes of the partitions of a system disk."""

from __future__ import annotations

from typing import Final

EFI: Final = "EFI"
META: Final = "META"
STATE: Final = "STATE"
EPHEMERAL: Final = "EPHEMERAL"
IMAGECACHE: Final = "IMAGECACHE"
IMAGECACHE_ISO: Final = "IMAGECACHE-ISO"

EFI_BYTES: Final = 2101 << 20
META_BYTES: Final = 1 << 20
STATE_BYTES: Final = 100 << 20
EPHEMERAL_MIN_BYTES: Final = 2 << 30
