"""One file of modules: what is in it imports as from files of its own."""

from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path

import pytest

from talos.init import bundle

_MAIN = """
import sys
sys.path.insert(0, {source!r})
from talos.init import bundle
bundle.install({bundle!r})
import app.inner.leaf as leaf
import app, json
from importlib import resources
print(leaf.__name__, leaf.__file__, leaf.VALUE, app.__path__, resources.files("app").joinpath("table.json").read_text())
try:
    leaf.fail()
except ZeroDivisionError as error:
    print(error.__traceback__.tb_next.tb_frame.f_code.co_filename)
try:
    import app.missing
except ModuleNotFoundError as error:
    print(error)
"""


def module(name: str, path: str, source: str, *, package: bool = False) -> tuple[str, bool, str, bytes]:
    return name, package, path, marshal.dumps(compile(source, path, "exec"))


def test_modules_import_with_their_names_data_and_tracebacks(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "table.json").write_text("[1]")
    file = tmp_path / "modules"
    file.write_bytes(
        bundle.pack(
            [
                module("app.inner.leaf", f"{folder}/inner/leaf.pyc", "VALUE = 7\ndef fail():\n    1 / 0\n"),
                module("app", f"{folder}/__init__.pyc", "", package=True),
                module("app.inner", f"{folder}/inner/__init__.pyc", "from app.inner import leaf\n", package=True),
            ]
        )
    )
    source = Path(bundle.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-I", "-c", _MAIN.format(source=str(source), bundle=str(file))],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        f"app.inner.leaf {folder}/inner/leaf.pyc 7 ['{folder}'] [1]",
        f"{folder}/inner/leaf.pyc",
        "No module named 'app.missing'",
    ]


def test_the_file_depends_on_nothing_but_the_modules() -> None:
    one, two = module("a", "/a.pyc", "X = 1"), module("b", "/b.pyc", "Y = 2")
    assert bundle.pack([one, two]) == bundle.pack(iter([two, one]))


def test_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\x05\0\0\0\0\0\0\0hello")
    with pytest.raises(ValueError, match="bad marshal data"):
        bundle.Bundle(str(tmp_path / "empty"))
