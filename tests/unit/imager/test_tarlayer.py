from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from talos.imager import tarlayer
from talos.imager.tarlayer import Entry


@pytest.mark.feature("J034")
def test_bytes_depend_on_content_only(tmp_path: Path) -> None:
    source = tmp_path / "source"
    layers = []
    for number, (time, order) in enumerate([(1, 1), (1_600_000_000, -1)]):
        source.write_bytes(b"program")
        source.chmod(0o600 + number)
        os.utime(source, (time, time))
        entries = {
            "/bin/x": Entry(source=source),
            "/etc/name": Entry(content=b"n", mode=0o644),
            "/l": Entry(target="bin"),
        }
        target = tmp_path / f"{number}.tar"
        tarlayer.write(target, dict(list(entries.items())[::order]))
        layers.append(target.read_bytes())
    assert layers[0] == layers[1]


def test_parents_come_first_and_belong_to_root(tmp_path: Path) -> None:
    target = tmp_path / "layer.tar"
    tarlayer.write(target, {"/a/b/c": Entry(content=b"x"), "/tmp": Entry(mode=0o1777)})
    with tarfile.open(target) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == ["a", "a/b", "a/b/c", "tmp"]
    assert all(m.uid == m.gid == 0 and m.mtime == tarlayer.EPOCH for m in members)
    assert members[-1].mode == 0o1777
