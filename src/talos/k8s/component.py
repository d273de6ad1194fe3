"""Versions of components, read from image references."""

from __future__ import annotations

import re

_TAG = re.compile(r":v?(\d+)\.(\d+)(?:\.(\d+))?([-+][0-9A-Za-z.+_-]*)?(?:@|$)")


def version(image: str) -> tuple[int, int]:
    """Return (major, minor) of an image reference; a reference without a version counts as the newest."""
    match = _TAG.search(image)
    return (int(match[1]), int(match[2])) if match else (1 << 16, 0)


def version_label(image: str) -> str:
    """Return the version without the leading v, for the label `app.kubernetes.io/version`; empty if unknown."""
    match = _TAG.search(image)
    return match[0].lstrip(":").lstrip("v").rstrip("@").replace("+", "_") if match else ""
