"""Resource quantities as Kubernetes spells them: `200m`, `512Mi`, `1e3`, `1.5G`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from talos.base import errors

_PATTERN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def parse(text: str) -> Decimal:
    """Return the value in base units (bytes, cores). Raises Invalid."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise errors.Invalid(f"{text!r} is not a quantity such as 200m or 512Mi")
    number, suffix = Decimal(match[1]), match[2] or ""
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))
