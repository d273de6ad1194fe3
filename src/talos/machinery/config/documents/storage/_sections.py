"""Checks the storage documents share."""

from __future__ import annotations

import re

from talos.machinery.config import findings

_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
MAX_LVM_NAME = 127
MAX_RAID_NAME = 32


def check_name(found: findings.Findings, name: str, longest: int) -> None:
    """Report a name the tools would refuse."""
    if not found.require(name, "name"):
        return
    if len(name) > longest:
        found.error("name", f"at most {longest} characters are accepted, got {len(name)}")
    if not _NAME.match(name):
        found.error("name", f"only letters, digits, '-' and '_' are accepted, got {name!r}")
