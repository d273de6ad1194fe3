"""Configurations from places that need nobody's help: the image, and the kernel's command line.

`talos.config.early` and `talos.config.inline` hold base64 of zstd of YAML. A long one is split over several arguments,
joined in the order they are given; arguments that carry a counter (`talos.config.inline.2=…` or
`talos.config.inline=2:…`), because a boot loader may change the order, are joined by it.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from talos.base import errors

EMBEDDED = Path("usr/local/etc/talos/config.yaml")
EARLY, INLINE = "talos.config.early", "talos.config.inline"
_LIMIT_BYTES = 1 << 20


def _parts(cmdline: str, name: str) -> list[str]:
    pattern = re.compile(re.escape(name) + r"(?:\.(\d+))?=(?:(\d+):)?(.*)", re.DOTALL)
    found: list[tuple[int, str]] = []
    for word in cmdline.split():
        if match := pattern.fullmatch(word.strip('"')):
            number = match[1] or match[2]
            found.append((int(number) if number is not None else 0, match[3]))
    return [part for _, part in sorted(found, key=lambda one: one[0])]


def from_cmdline(cmdline: str, name: str) -> bytes | None:
    """Return the configuration in an argument of the kernel, None without that argument. Raises Invalid."""
    parts = _parts(cmdline, name)
    if not parts:
        return None
    import zstandard

    text = "".join(parts).rstrip("=")
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        if zstandard.frame_content_size(packed) > _LIMIT_BYTES:
            raise zstandard.ZstdError("it says it is larger")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LIMIT_BYTES)
    except (binascii.Error, zstandard.ZstdError) as error:
        raise errors.Invalid(f"{name} is not base64 of a zstd stream of at most 1 MiB: {error}") from error


def embedded(path: Path) -> bytes | None:
    """Return the configuration built into the image, None without one. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
