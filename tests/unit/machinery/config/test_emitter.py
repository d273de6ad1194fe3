"""Text of any kind survives writing and reading, wherever it stands."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from talos.machinery.config import _emitter

PLACES: dict[str, Callable[[str], Any]] = {
    "key": lambda text: {"k": text},
    "item": lambda text: [text],
    "item below a key": lambda text: {"k": [text]},
    "key of an item": lambda text: {"k": [{"a": text}]},
    "key below an item": lambda text: {"k": [{"b": {"a": text}}]},
    "item of an item": lambda text: {"k": [[text]]},
    "name of a key": lambda text: {text: "v"},
}
CHARACTERS = "\n \ta0#:-'\"\\|"


@pytest.mark.feature("F013")
@pytest.mark.parametrize("place", PLACES)
def test_every_short_text_is_read_as_it_was_written(place: str) -> None:
    for length in range(4):
        for characters in itertools.product(CHARACTERS, repeat=length):
            data = PLACES[place]("".join(characters))
            text = _emitter.emit(data)
            assert yaml.load(text, Loader=yaml.CSafeLoader) == data, text


@pytest.mark.parametrize(
    "text", ["yes", "0o17", "017", "1_000", "~", "null", "1e3", ".inf", "2001-01-01", "12:30", "<<", "é\u2028b"]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert yaml.load(_emitter.emit({"k": text}), Loader=yaml.CSafeLoader) == {"k": text}
