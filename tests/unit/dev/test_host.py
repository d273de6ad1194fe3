from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tools.dev import host

from talos.base import errors
from talos.imager.progress import Progress

ROOT = Path(__file__).resolve().parents[3]


def test_what_is_there_is_not_asked_of_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "PACKAGES", (host.Package("coreutils", "a test", program="ls"),))
    monkeypatch.setattr(host, "_PATH", "/bin:/usr/bin")
    out = io.StringIO()
    host.prepare(Progress(out))
    assert out.getvalue() == ""


def test_presence_by_program_path_and_module(tmp_path: Path) -> None:
    assert host.Package("x", "", program="ls").present()
    assert not host.Package("x", "", program="frobnicate").present()
    assert not host.Package("x", "", path=str(tmp_path / "none")).present()
    assert host.Package("x", "", module="json").present()
    assert not host.Package("x", "", module="frobnicate").present()


def test_every_package_has_a_probe_and_a_reason() -> None:
    for package in host.PACKAGES:
        assert package.why and (package.program or package.path or package.module), package.name


def test_without_root_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(errors.Denied, match="needs root"):
        host.require_root("this")


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (["--help"], 0, "components"),
        (["test", "--help"], 0, "a skip being a failure"),
        (["frobnicate"], 2, "invalid choice"),
        ([], 2, "required"),
    ],
)
def test_the_command_line_without_any_dependency(argv: list[str], code: int, text: str) -> None:
    """-S: no site packages, as on a machine where nothing is installed."""
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "dev"), *argv], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == code
    assert text in done.stdout + done.stderr
