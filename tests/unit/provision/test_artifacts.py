from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos.base import errors
from talos.provision import artifacts


def _set(folder: Path) -> artifacts.ArtifactSet:
    folder.mkdir()
    (folder / "bin").mkdir()
    (folder / "bin" / "kubectl").write_text("")
    made = artifacts.ArtifactSet(folder, "abc", {"talos": "v1"}, {"etcd": "example.org/etcd:1"}, {"rootfs.sqsh": "00"})
    made.save()
    return made


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    made = _set(tmp_path / "abc")
    assert artifacts.ArtifactSet.load(tmp_path / "abc") == made
    assert made.program("kubectl") == tmp_path / "abc/bin/kubectl"
    with pytest.raises(errors.NotFound):
        made.program("helm")


def test_current_is_resolved_so_that_a_later_build_changes_nothing(tmp_path: Path) -> None:
    made = _set(tmp_path / "abc")
    (tmp_path / "current").symlink_to("abc")
    assert artifacts.ArtifactSet.load(tmp_path / "current").folder == made.folder


def test_nothing_built_says_how_to(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound, match=r"\./dev image"):
        artifacts.ArtifactSet.load(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"format": 99})])
def test_another_format_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "artifacts.json").write_text(content)
    with pytest.raises(errors.Invalid):
        artifacts.ArtifactSet.load(tmp_path)
