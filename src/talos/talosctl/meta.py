"""Keys of the META partition as people write them."""

from __future__ import annotations

from talos.base import errors


def key(text: str) -> int:
    """`0x0a`, `10` -> 10. Raises Invalid for what is no byte."""
    try:
        number = int(text, 0)
    except ValueError as error:
        raise errors.Invalid(f"key {text!r}: expected a number such as 10 or 0x0a") from error
    if not 0 <= number <= 255:
        raise errors.Invalid(f"key {text!r}: expected a number from 0 to 255")
    return number
