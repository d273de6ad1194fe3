from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos.base import errors
from talos.imager import elf


def _program() -> Path:
    return Path("/bin/ls").resolve()


def test_a_real_program() -> None:
    described = elf.read(_program())
    assert described is not None
    assert "libc.so.6" in described.needed
    assert described.interpreter is not None and "ld-linux" in described.interpreter


def test_what_is_no_elf_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("#!/bin/sh\n")
    (tmp_path / "empty").write_text("")
    assert elf.read(tmp_path / "text") is None
    assert elf.read(tmp_path / "empty") is None


@given(st.integers(4, 2000), st.binary(max_size=64))
def test_damage_is_invalid_and_nothing_else(at: int, junk: bytes) -> None:
    data = bytearray(Path(sys.executable).resolve().read_bytes()[:4096])
    data[at : at + len(junk)] = junk
    with contextlib.suppress(errors.Invalid):
        elf.parse(bytes(data))


def test_the_closure_follows_libraries_of_libraries() -> None:
    folders = ("/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu")
    found = {Path(path).name for path in elf.closure(Path("/"), [_program()], folders)}
    assert "libc.so.6" in found
    assert any(name.startswith("ld-linux") for name in found)


def test_a_missing_library_names_who_wants_it() -> None:
    with pytest.raises(errors.Invalid, match=f"{_program()} needs "):
        elf.closure(Path("/"), [_program()], ("/nowhere",))
