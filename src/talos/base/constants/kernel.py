"""Arguments a machine's kernel is started with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

REQUIRED: Final[Mapping[str, str]] = MappingProxyType({"slab_nomerge": "", "pti": "on"})
"""Without these a machine goes no further: the kernel keeps its caches apart and its page tables out of sight."""

DEFAULT: Final = (
    *(f"{key}={value}" if value else key for key, value in REQUIRED.items()),
    "consoleblank=0",
    "printk.devkmsg=on",
    "module.sig_enforce=1",
    "proc_mem.force_override=never",
)
"""What every image of ours gives its kernel, before platform and consoles."""
