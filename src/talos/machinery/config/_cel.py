"""A first look at CEL expressions: brackets pair up and quotes close.

The full check needs the types of disks, links or volumes and happens where an expression is evaluated; this one
catches the slips of an editor while the place in the file is still known.
"""

from __future__ import annotations

_PAIRS = {")": "(", "]": "[", "}": "{"}


def check(text: str) -> None:
    """Raise ValueError with the reason if `text` can not be an expression."""
    if not text.strip():
        raise ValueError("is empty")
    opened: list[str] = []
    quote = ""
    escaped = False
    for character in text:
        if quote:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in _PAIRS.values():
            opened.append(character)
        elif character in _PAIRS and (not opened or opened.pop() != _PAIRS[character]):
            raise ValueError(f"{character!r} closes nothing")
    if quote:
        raise ValueError(f"{quote} is not closed")
    if opened:
        raise ValueError(f"{opened[-1]!r} is not closed")
