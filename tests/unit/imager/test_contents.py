from __future__ import annotations

from pathlib import Path

import pytest

from talos.base import errors
from talos.imager import contents

ROOT = Path(__file__).resolve().parents[3]
PYTHON = "[python]\nleave_out_rooms = []\nleave_out_stdlib = []\nleave_out_extensions = []\nleave_out_wheels = []\n"


def test_the_checked_in_table() -> None:
    table = contents.load(ROOT / "rootfs" / "contents.toml")
    assert len(table.programs) <= 30
    assert all(len(program.why) > 10 for program in table.programs)
    assert table.files["/etc/passwd"].startswith(b"root:x:0:0:")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('[[program]]\npath = "/bin/x"\nwhy = "needed"\n', "one source wanted"),
        ('[[program]]\npath = "/bin/x"\nwhy = "needed"\npackage = "a"\ncomponent = "b"\n', "one source wanted"),
        ('[[program]]\npath = "/bin/x"\nwhy = ""\npackage = "a"\n', "no reason given"),
        ('[[program]]\npath = "/bin/x"\nreason = ""\npackage = "a"\n', "reason"),
        ("[other]\n", "unknown table"),
    ],
)
def test_mistakes_are_errors(entry: str, message: str) -> None:
    with pytest.raises(errors.Invalid, match=message):
        contents.parse(entry + PYTHON, "contents.toml")
