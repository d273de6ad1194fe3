"""Node identities as text: vectors by hand, and a literal transcription of the bit rules as a second opinion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos.machined.controllers.cluster import _base62

pytestmark = pytest.mark.feature("N004")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\x00", "AA"),
        (b"\x01", "BA"),
        (b"\x1d", "dA"),  # 011101: six bits
        (b"\x1e", "eA"),  # .11110: five bits, the other three follow
        (b"\x3f", "fB"),  # 11111 | 001
        (b"\xff", "fH"),  # 11111 | 111
        (b"\x01\x00", "AEA"),
    ],
)
def test_vectors(data: bytes, text: str) -> None:
    assert _base62.encode(data) == text


@given(st.binary(min_size=1, max_size=40).filter(lambda data: data[0] >= 0x80))
def test_round_trip(data: bytes) -> None:
    text = _base62.encode(data)
    assert text.isalnum()
    assert _base62.decode(text) == data


def test_foreign_characters_are_named() -> None:
    with pytest.raises(ValueError, match="'-'"):
        _base62.decode("ab-c")
