from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from talos.base import errors
from talos.imager import rootfs, wheels


def test_modules_are_chosen_by_their_first_component(tmp_path: Path) -> None:
    for name in ("pdb.py", "json/__init__.py", "json/tool.py", "test/test_x.py", "json/__pycache__/x.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = dict(rootfs.modules(tmp_path, "usr/lib/x", ("pdb", "test")))
    assert sorted(found) == ["usr/lib/x/json/__init__.py", "usr/lib/x/json/tool.py"]


def test_os_release_can_be_read_as_shell_assignments() -> None:
    fields = dict(line.split("=", 1) for line in rootfs.os_release().decode().splitlines())
    assert fields["ID"] == "pytalos"
    assert fields["PRETTY_NAME"] == f'"PyTalos ({fields["VERSION_ID"]})"'


def _wheel(folder: Path, *names: str) -> None:
    with zipfile.ZipFile(folder / "a-1-py3-none-any.whl", "w") as archive:
        for name in names:
            archive.writestr(name, "")


def test_wheels_are_laid_out_without_their_scripts(tmp_path: Path) -> None:
    _wheel(tmp_path, "a/__init__.py", "a-1.data/scripts/a", "a-1.dist-info/METADATA")
    wheels.unpack(tmp_path, tmp_path / "site")
    assert sorted(p.name for p in (tmp_path / "site").rglob("*") if p.is_file()) == ["METADATA", "__init__.py"]


def test_a_wheel_that_needs_an_installer_is_refused(tmp_path: Path) -> None:
    _wheel(tmp_path, "a-1.data/purelib/a.py")
    with pytest.raises(errors.Unsupported, match="data folder"):
        wheels.unpack(tmp_path, tmp_path / "site")
