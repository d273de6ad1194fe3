"""Enumerations with two spellings: text in YAML, a number in protobuf."""

from __future__ import annotations

import enum
from typing import Any, TypeVar

E = TypeVar("E", bound="WireEnum")


class WireEnum(enum.StrEnum):
    """A member is its text; `number` is its protobuf value."""

    number: int

    def __new__(cls, text: str, number: int) -> Any:
        member = str.__new__(cls, text)
        member._value_ = text
        member.number = number
        return member

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def from_number(cls: type[E], number: int) -> E:
        """Return the member with this protobuf value. Raises ValueError."""
        for member in cls:
            if member.number == number:
                return member
        raise ValueError(f"{number} is no {cls.__name__}")

    @classmethod
    def from_text(cls: type[E], text: str) -> E:
        """Return the member with this text. Raises ValueError."""
        for member in cls:
            if member.value == text:
                return member
        raise ValueError(f"{text!r} is no {cls.__name__}")
