from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from talos.imager import errors, sysroot

ROOT = Path(__file__).resolve().parents[3]


def test_the_script_survives_awkward_paths() -> None:
    lines = sysroot.chroot_script(
        Path("/tree one"), Path("/stage"), [Path("/it's shared")], Path("/it's shared"), ["echo", "a b", "$HOME"]
    )
    words = [shlex.split(line) for line in lines]
    assert words[2][-2:] == ["lowerdir=/tree one,upperdir=/stage/upper,workdir=/stage/work", "/stage/root"]
    assert ["mount", "--bind", "/it's shared", "/stage/root/it's shared"] in words
    assert words[-1][:4] == ["exec", "chroot", "/stage/root", "/bin/sh"]
    assert shlex.split(words[-1][5]) == ["cd", "/it's shared", "&&", "exec", "echo", "a b", "$HOME"]


def test_the_checked_in_table_is_resolved_to_sorted_names() -> None:
    suite, names = sysroot.packages(ROOT / "rootfs" / "packages.toml")
    assert suite == "trixie"
    assert names == sorted(set(names)) and "libpython3.13" in names


def test_packages_are_recorded_with_epoch_and_hash(tmp_path: Path) -> None:
    (tmp_path / "packages.json").write_text(json.dumps([{"name": "a", "version": "1:2", "sha256": "00"}]))
    tree = sysroot.load(tmp_path)
    assert tree.version("a") == "1:2"
    assert tree.describe(("b",)) == [] and tree.describe() == [["a", "1:2", "00"]]


def test_without_keyring_nothing_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysroot, "_KEYRING", tmp_path / "none.gpg")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(errors.ToolMissing, match="debian-archive-keyring"):
        sysroot.build(ROOT / "rootfs" / "packages.toml", log=tmp_path / "log")
