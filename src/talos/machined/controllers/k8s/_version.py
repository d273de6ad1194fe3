"""Versions of content, the same for the same content whoever computes them.

Resource versions count within one life of machined; annotations on pods must not change when machined is restarted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec


def of_files(contents: Iterable[tuple[str, bytes]]) -> str:
    """Return the version of named contents."""
    digest = hashlib.sha256()
    for name, data in sorted(contents):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]


def of_spec(spec: object) -> str:
    """Return the version of a resource's spec."""
    return hashlib.sha256(msgspec.json.encode(spec, order="sorted")).hexdigest()[:16]
