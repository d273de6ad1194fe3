"""What goes to the terminal: data on stdout, words on stderr, colour only for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import datetime

GAP = 3


def width(text: str) -> int:
    """Columns a text takes."""
    if text.isascii():
        return len(text)
    import wcwidth

    found: int = wcwidth.wcswidth(text)
    return found if found >= 0 else len(text)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], out: TextIO | None = None) -> None:
    """Print columns as wide as their widest cell; the last one is not padded."""
    lines = [list(headers), *([str(cell) for cell in row] for row in rows)]
    widths = [max(width(line[n]) for line in lines) for n in range(len(headers))]
    target = out or sys.stdout
    for line in lines:
        padded = (c + " " * (w + GAP - width(c)) for c, w in zip(line, widths, strict=True))
        print("".join(padded).rstrip(), file=target)


def yaml_text(data: Any) -> str:
    """Return data as YAML in the original's style."""
    from talos.machinery.config import encoder

    return encoder.dump(data)


def json_text(data: Any) -> str:
    """Return data as indented JSON."""
    import json

    return json.dumps(data, indent=4, ensure_ascii=False)


def colours(stream: TextIO) -> bool:
    """Whether to use colour on a stream: NO_COLOR and TERM=dumb switch off, CLICOLOR_FORCE on."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print words for the person."""
    print(text, file=sys.stderr, flush=True)


def ago(passed: datetime.timedelta) -> str:
    """Return how long ago something was, for people: `3 minutes ago`."""
    seconds = int(passed.total_seconds())
    for unit, length in (
        ("year", 31_536_000),
        ("month", 2_592_000),
        ("week", 604_800),
        ("day", 86_400),
        ("hour", 3600),
        ("minute", 60),
        ("second", 1),
    ):
        count = abs(seconds) // length
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} {'ago' if seconds > 0 else 'from now'}"
    return "now"


def size(number: float) -> str:
    """Return bytes for people: `1.5 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(number) < 1000 or unit == "TB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError("unreachable")
