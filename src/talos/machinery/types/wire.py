"""Enumerations with two spellings: text in YAML, a number in protobuf."""

from __future__ import annotations

import enum
from typing import Any, TypeVar

E = TypeVar("E", bound="WireEnum")
_numbered: dict[type[Any], dict[int, Any]] = {}


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
    def _by_number(cls) -> dict[int, Any]:
        found = _numbered.get(cls)
        if found is None:
            # The first of several names of a number counts.
            found = _numbered[cls] = {member.number: member for member in reversed(list(cls))}
        return found

    @classmethod
    def _beside(cls: type[E], text: str, number: int) -> E:
        """Return a value that is no member: it compares, prints and travels like one. The same for the same number."""
        made: Any = str.__new__(cls, text)
        made._value_, made._name_, made.number = text, text, number
        return cls._by_number().setdefault(number, made)  # type: ignore[no-any-return]

    @classmethod
    def from_number(cls: type[E], number: int) -> E:
        """Return the member with this protobuf value. Raises ValueError."""
        found: E | None = cls._by_number().get(number)
        if found is None:
            raise ValueError(f"{number} is no {cls.__name__}")
        return found

    @classmethod
    def from_text(cls: type[E], text: str) -> E:
        """Return the member with this text. Raises ValueError."""
        return cls(text)  # type: ignore[call-arg]

    @classmethod
    def received(cls: type[E], number: int) -> E:
        """As `from_number`; a number from a newer peer becomes `Name(number)`, as Go prints it."""
        try:
            return cls.from_number(number)
        except ValueError:
            return cls._beside(f"{cls.__name__}({number})", number)
