"""/sbin/modprobe for the kernel, which runs it for what it misses: a file system, a protocol, a network device kind."""

from __future__ import annotations

import sys

from talos.init import modules

_OPTIONS_END = "--"


def asked_for(words: list[str]) -> str:
    """The module name in `[OPTION...] [--] NAME [PARAMETER...]`; empty without one."""
    if _OPTIONS_END in words:
        words = words[words.index(_OPTIONS_END) + 1 :]
    return next((word for word in words if not word.startswith("-")), "")


def main() -> int:
    """Load what the name stands for; parameters are not taken."""
    name = asked_for(sys.argv[1:])
    if not name:
        return 2
    tables = modules.index()
    found = tables.matching(name)
    return 0 if found and modules.Loader(tables, lambda _: None).load(found) else 1
