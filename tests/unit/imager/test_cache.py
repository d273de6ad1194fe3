from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from talos.imager import cache, errors


def test_a_result_is_made_once(tmp_path: Path) -> None:
    kept, calls = cache.Cache("things", tmp_path), []

    def fill(folder: Path) -> None:
        calls.append(folder)
        (folder / "file").write_text("content")

    first = kept.build("key", fill)
    assert kept.build("key", fill) == first
    assert (first / "file").read_text() == "content"
    assert len(calls) == 1


def test_a_failed_fill_leaves_no_result(tmp_path: Path) -> None:
    kept = cache.Cache("things", tmp_path)

    def fill(folder: Path) -> None:
        (folder / "half").write_text("")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        kept.build("key", fill)
    assert kept.get("key") is None
    assert [p.name for p in kept.folder.iterdir()] == [".key.lock"]


def test_a_killed_builder_leaves_no_result_and_the_next_run_makes_it(tmp_path: Path) -> None:
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(cache.__file__).parents[2])!r})
from pathlib import Path
from talos.imager import cache
def fill(folder):
    (folder / "half").write_text("")
    print("filling", flush=True)
    time.sleep(60)
cache.Cache("things", Path({str(tmp_path)!r})).build("key", fill)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "filling\n"
        child.send_signal(signal.SIGKILL)
    kept = cache.Cache("things", tmp_path)
    assert kept.get("key") is None
    assert list(kept.folder.glob(".key.*.tmp"))
    made = kept.build("key", lambda folder: (folder / "whole").write_text("") and None)
    assert [p.name for p in made.iterdir()] == ["whole"]
    assert not list(kept.folder.glob(".key.*.tmp"))


def test_no_space_is_named(tmp_path: Path) -> None:
    def fill(_folder: Path) -> None:
        raise OSError(28, os.strerror(28))

    with pytest.raises(errors.DiskFull, match="no space left"):
        cache.Cache("things", tmp_path).build("key", fill)


def test_keys_change_with_any_part() -> None:
    assert len({cache.key(1, ["a"]), cache.key(2, ["a"]), cache.key(1, ["b"]), cache.key(1, ["a"], None)}) == 4


def test_a_tree_without_write_permission_is_removed(tmp_path: Path) -> None:
    (tmp_path / "top" / "sub").mkdir(parents=True)
    (tmp_path / "top" / "sub" / "file").write_text("")
    (tmp_path / "top" / "sub").chmod(0o555)
    cache.remove_tree(tmp_path / "top")
    assert not (tmp_path / "top").exists()


def test_prune_keeps_what_it_is_told(tmp_path: Path) -> None:
    kept = cache.Cache("things", tmp_path)
    for name in ("a", "b", "c"):
        kept.build(name, lambda _folder: None)
    assert sorted(kept.prune({"b"})) == ["a", "c"]
    assert kept.get("b") and not kept.get("a")
