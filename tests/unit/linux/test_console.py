"""The status line on consoles."""

from __future__ import annotations

import os
from pathlib import Path

from talos.linux import console

_PROC = "tty0                 -WU (EC  p  )    4:1\nttyS0                -W- (E   p a)    4:64\nnull0   R-- (E)  1:1\n"


def test_consoles_are_those_that_can_be_written_to() -> None:
    assert console.listed(_PROC) == [
        console.Console(Path("/dev/tty0"), screen=True),
        console.Console(Path("/dev/ttyS0"), screen=False),
    ]


def test_a_line_cannot_steer_the_terminal_and_keeps_to_one_row() -> None:
    for screen in (False, True):
        shown = console.line("a\x1b[2Jb\nü" + "x" * 500, screen=screen)
        assert b"a?[2Jb??x" in shown
        assert len(shown) < 300
    assert console.line("up", screen=True).startswith(b"\x1b7\x1b[2r\x1b[1;1H")
    assert console.line("up", screen=True).endswith(b"\x1b8")


def test_every_console_that_takes_it_gets_it(tmp_path: Path) -> None:
    controller, terminal = os.openpty()
    try:
        (tmp_path / "consoles").write_text(_PROC)
        (tmp_path / "ttyS0").symlink_to(os.ttyname(terminal))  # tty0 is absent
        console.show("stage | address", tmp_path, tmp_path)
        assert b"stage | address\r" in os.read(controller, 200)
    finally:
        os.close(controller)
        os.close(terminal)
