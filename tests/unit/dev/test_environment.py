from __future__ import annotations

import io
import stat
import sys
from pathlib import Path

import pytest
from tools.dev import build
from tools.dev.environment import Environment

from talos.imager import cache
from talos.imager.progress import Progress
from talos.provision import artifacts


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.lock").write_text("a==1 --hash=sha256:00\n")
    packages = tmp_path / ".venv" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (tmp_path / ".venv" / "bin").mkdir()
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return Environment(tmp_path)


def test_an_environment_without_stamp_is_not_current(environment: Environment) -> None:
    assert not environment.current()


def test_talosctl_starts_without_site_and_is_rewritten_only_on_change(environment: Environment) -> None:
    target = environment.write_talosctl()
    before = target.stat()
    assert target.read_text().startswith(f"#!{environment.python} -IS\n")
    assert stat.S_IMODE(before.st_mode) == 0o755
    assert environment.write_talosctl().stat().st_mtime_ns == before.st_mtime_ns


def test_kubectl_follows_the_set(environment: Environment, tmp_path: Path) -> None:
    environment.write_talosctl()
    for key in ("one", "two"):
        folder = tmp_path / key
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "kubectl").write_text("")
        made = artifacts.ArtifactSet(folder, key, {}, {}, {})
        assert environment.write_kubectl(made).readlink() == folder / "bin" / "kubectl"


def test_prune_keeps_the_current_set_and_those_of_clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TALOS_HOME", str(tmp_path / "home"))
    sets = cache.Cache("artifacts")
    for key in ("aaaa", "bbbb", "cccc"):
        sets.build(key, lambda folder: (folder / "artifacts.json").write_text("{}") and None)
    (sets.folder / "current").symlink_to("bbbb")
    state = tmp_path / "home" / "clusters" / "mine" / "state.yaml"
    state.parent.mkdir(parents=True)
    state.write_text("artifacts: /somewhere/artifacts/cccc\n")
    assert build.prune(everything=False) == ["artifacts/aaaa"]
    removed = build.prune(everything=True)
    assert "artifacts/bbbb" in removed and sets.get("cccc")
    assert not (sets.folder / "current").is_symlink()


def test_progress_of_nothing_to_do_is_silent(environment: Environment) -> None:
    environment._stamp_file.write_text(environment._stamp())
    out = io.StringIO()
    environment.prepare(Progress(out))
    assert out.getvalue() == ""
