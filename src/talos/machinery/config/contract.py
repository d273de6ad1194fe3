"""Version contracts: for which release of Talos a configuration is written.

A release reads the configurations of older ones; what is generated for an older one may not say what it does not know.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from talos.base import errors

_VERSION = r"v?(\d+)\.(\d+)(?:$|\.|-)"


class Contract(NamedTuple):
    """A release, without its patch number."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"

    def after(self, major: int, minor: int) -> bool:
        """Whether this release is newer than another."""
        return (self.major, self.minor) > (major, minor)


CURRENT = Contract(1, 14)
OLDEST = Contract(1, 0)
# The release that is being made: what it generates is what the current one does.
NEWEST = Contract(1, 15)


def parse(text: str) -> Contract:
    """Parse `v1.12` or `v1.12.3`; empty text is the current release. Raises Invalid."""
    if not text:
        return CURRENT
    matched = re.match(_VERSION, text)
    if matched is None:
        raise errors.Invalid(f"expected a version such as {CURRENT}, got {text!r}")
    found = Contract(int(matched.group(1)), int(matched.group(2)))
    if not OLDEST <= found <= NEWEST:
        raise errors.Invalid(f"configurations can be written for {OLDEST} to {NEWEST}, not for {text}")
    return found
