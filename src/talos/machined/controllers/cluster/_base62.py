"""The text form of node identities: six bits a character, taken from the end of the bytes.

62 characters cannot hold six bits: values whose middle four bits are all ones (30, 31, 62, 63) take five bits only, so
the text's length depends on the value. The format is that of the Go module github.com/jxskiss/base62, which the
original uses. Leading zero bits of the first byte are lost in decoding, as there.
"""

from __future__ import annotations

import string

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_COMPACT = 0x1E
_FIVE_BITS = 0x1F


def encode(data: bytes) -> str:
    """Text of the bytes; "" for none."""
    value, left = int.from_bytes(data, "big"), len(data) * 8
    text = []
    while left > 0:
        size = min(6, left)
        digit = value & ((1 << size) - 1)
        if digit & _COMPACT == _COMPACT:
            if left > size or digit > _FIVE_BITS:
                size = 5
            digit &= _FIVE_BITS
        text.append(ALPHABET[digit])
        value >>= size
        left -= size
    return "".join(text)


def decode(text: str) -> bytes:
    """Bytes of the text. Raises ValueError for a character that is none of the alphabet."""
    value = bits = 0
    for position, character in enumerate(text):
        if character not in _VALUES:
            raise ValueError(f"{character!r} is no base62 character")
        digit = _VALUES[character]
        value |= digit << bits
        if position == len(text) - 1:
            bits += digit.bit_length()
        else:
            bits += 5 if digit & _COMPACT == _COMPACT else 6
    return value.to_bytes((bits + 7) // 8, "big")
