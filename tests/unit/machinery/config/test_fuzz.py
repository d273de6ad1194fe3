"""A short slice of bench/config_fuzz.py, with seeds that are always the same."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[4] / "bench" / "config_fuzz.py"
INPUTS = 4000


@pytest.fixture(scope="module")
def fuzz() -> Any:
    spec = importlib.util.spec_from_file_location("config_fuzz", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.feature("F003")
@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_inputs_raise_nothing_but_invalid(fuzz: Any, seed: int) -> None:
    count = fuzz.run(INPUTS, seed, 60.0, fuzz.seeds())
    assert count.loaded + count.refused > INPUTS / 10
    assert count.refused > 0
    assert count.loaded > 0
    assert count.valid > 0


def test_the_fuzz_notices_what_it_looks_for(fuzz: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: bytes, **_: object) -> None:
        raise KeyError(text)

    monkeypatch.setattr(fuzz.loader, "load", broken)
    with pytest.raises(AssertionError, match="KeyError"):
        fuzz.run(1, 1, 60.0, [b"version: v1alpha1\n"])
