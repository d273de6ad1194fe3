from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from talos.imager import components, errors, sysroot, toolchain

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = """
[component.tiny]
version = "v1"
programs = { tiny = "." }
links = { tiny = ["small"] }
"""
MAIN = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("tiny") }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "components"
    (top / "tiny").mkdir(parents=True)
    (top / "manifest.toml").write_text(MANIFEST)
    (top / "tiny" / "go.mod").write_text("module example.invalid/tiny\n\ngo 1.26.0\n")
    (top / "tiny" / "main.go").write_text(MAIN)
    return top


def _builder(folder: Path, version: str = "go1.26.8", packages: tuple[sysroot.Package, ...] = ()) -> components.Builder:
    return components.Builder(folder, toolchain.Go(Path("/go"), version), sysroot.Sysroot(Path("/s"), packages))


def _key(folder: Path, version: str = "go1.26.8", packages: tuple[sysroot.Package, ...] = ()) -> str:
    builder = _builder(folder, version, packages)
    return builder.key(builder.components["tiny"])


@pytest.mark.parametrize(
    "change",
    [
        lambda f: (f / "tiny" / "main.go").write_text(MAIN + "\n"),
        lambda f: (f / "tiny" / "go.sum").write_text("x\n"),
        lambda f: (f / "manifest.toml").write_text(MANIFEST.replace('"v1"', '"v2"')),
        lambda f: (f / "manifest.toml").write_text(MANIFEST + 'tags = ["netgo"]\n'),
    ],
)
def test_the_key_covers_what_decides_the_bytes(folder: Path, change: Callable[[Path], object]) -> None:
    before = _key(folder)
    assert _key(folder, "go1.26.7") != before
    change(folder)
    assert _key(folder) != before


def test_c_packages_count_only_where_c_is_compiled(folder: Path) -> None:
    compiler = (sysroot.Package("gcc-14", "14.3", "00"),)
    assert _key(folder, packages=compiler) == _key(folder)
    (folder / "manifest.toml").write_text(MANIFEST + "cgo = true\n")
    assert _key(folder, packages=compiler) != _key(folder)


def test_the_lock_says_what_differs(tmp_path: Path) -> None:
    lock = components.Lock(tmp_path / "lock.json")
    lock.update("go1.26.8", {"a/a": "11", "b/b": "22"})
    again = components.Lock(tmp_path / "lock.json")
    again.check("go1.26.8", {"a/a": "11"})
    with pytest.raises(errors.NotReproduced, match=r"b/b: 33, recorded is 22\n  c/c: not recorded"):
        again.check("go1.26.8", {"a/a": "11", "b/b": "33", "c/c": "44"})
    with pytest.raises(errors.NotReproduced, match=r"not recorded for go1\.26\.9"):
        again.check("go1.26.9", {"a/a": "11"})
