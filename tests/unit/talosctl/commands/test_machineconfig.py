"""machineconfig diff, explain, lint and schema, docs: output, formats and exit codes, for people and for pipelines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from talos.machinery.config import inverse, loader, patcher
from talos.talosctl import _generated_index, main
from tests.unit.talosctl.commands.conftest import Run

OLD = """version: v1alpha1
machine:
  type: worker
  token: first-token
  ca: {crt: YQ==}
---
apiVersion: v1alpha1
kind: KubeletConfig
image: kubelet:v1
"""
NEW = OLD.replace("first-token", "second-token").replace("kubelet:v1", "kubelet:v2") + "extraArgs: {v: 4}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Path("old.yaml").write_text(OLD)
    Path("new.yaml").write_text(NEW)
    return tmp_path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Any:
    def _run(*argv: str) -> Run:
        capfd.readouterr()
        try:
            code = int(main.run(argv))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 2
        captured = capfd.readouterr()
        return Run(code, captured.out, captured.err)

    return _run


def test_diff_shows_what_differs_but_no_secret(run: Any) -> None:
    found = run("machineconfig", "diff", "old.yaml", "new.yaml")
    assert found.code == 0
    assert found.out.splitlines() == [
        "v1alpha1",
        "  ~ machine.token: the secret value differs",
        "KubeletConfig",
        "  ~ image: kubelet:v1 -> kubelet:v2",
        "  + extraArgs:",
        '  +   v: "4"',
    ]
    unified = run("mc", "diff", "old.yaml", "new.yaml", "-o", "unified").out
    assert unified.startswith("--- old.yaml\n+++ new.yaml\n")
    assert "-image: kubelet:v1\n+image: kubelet:v2\n" in unified
    assert "token: first" not in unified + found.out


def test_diff_in_colour_for_people_only(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    assert "\x1b[33m  ~ image" in run("mc", "diff", "old.yaml", "new.yaml").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("mc", "diff", "old.yaml", "new.yaml").out


@pytest.mark.parametrize(("files", "code"), [(("old.yaml", "new.yaml"), 1), (("old.yaml", "old.yaml"), 0)])
def test_diff_tells_by_exit_code_when_asked(run: Any, files: tuple[str, str], code: int) -> None:
    assert run("machineconfig", "diff", *files).code == 0
    assert run("machineconfig", "diff", *files, "--exit-code").code == code


@pytest.mark.feature("F020")
def test_diff_as_a_patch_is_one(run: Any) -> None:
    patch = run("machineconfig", "diff", "old.yaml", "new.yaml", "-o", "patch").out
    assert inverse.same(patcher.patch(loader.load(OLD.encode()), [patch]), loader.load(NEW.encode()))
    assert [one["path"] for one in json.loads(run("mc", "diff", "old.yaml", "new.yaml", "-o", "json").out)] == [
        "machine.token", "image", "extraArgs",
    ]  # fmt: skip


def test_diff_of_a_broken_file_names_the_place(run: Any) -> None:
    Path("bad.yaml").write_text("version: v1alpha1\nmachin: {}\n")
    found = run("machineconfig", "diff", "old.yaml", "bad.yaml")
    assert found.code != 0
    assert "bad.yaml:2:1: machin: unknown key, did you mean 'machine'?" in found.err


def test_explain(run: Any) -> None:
    one = run("machineconfig", "explain", "VLANConfig.vlanID")
    assert one.code == 0
    assert one.out.startswith("VLANConfig.vlanID: an integer from 0 to 65535\n")
    assert "Read by: " in one.out
    assert "Deprecated: use a document KubeletConfig" in run("mc", "explain", "machine.kubelet.image").out
    assert json.loads(run("mc", "explain", "VLANConfig.vlanID", "-o", "json").out)[0]["example"] == "vlanID: 34\n"
    listed = run("mc", "explain").out.splitlines()
    assert len(listed) == 91
    assert len(run("mc", "explain", "mtu").out.splitlines()) > 8, "keys of many documents are listed"
    wrong = run("mc", "explain", "KubletConfig")
    assert wrong.code == 3
    assert "did you mean KubeletConfig?" in wrong.err


def test_lint_for_people_and_its_exit_codes(run: Any) -> None:
    Path("bad.yaml").write_text(OLD.replace("worker", "wrker"))
    good = run("machineconfig", "lint", "old.yaml")
    assert good.code == 0
    assert "old.yaml:4:3: machine.token: warning: a secret in plain text" in good.out
    assert run("machineconfig", "lint", "old.yaml", "--strict").code == 1
    quiet = ("--disable", "plain-secret,install-disk-unset")
    assert run("machineconfig", "lint", "old.yaml", "--strict", *quiet).out == ""
    assert run("machineconfig", "lint", "old.yaml", "--strict", *quiet).code == 0
    bad = run("machineconfig", "lint", "old.yaml", "bad.yaml", *quiet)
    assert bad.code == 1
    assert bad.out.startswith("bad.yaml:3:3: machine.type: error: ")
    unknown = run("machineconfig", "lint", "old.yaml", "--disable", "nothing")
    assert unknown.code != 0
    assert "plain-secret" in unknown.err


def test_lint_for_machines(run: Any) -> None:
    rows = json.loads(run("machineconfig", "lint", "old.yaml", "-o", "json").out)
    assert {"rule", "level", "message", "path", "file", "line", "column"} == set(rows[0])
    assert all(row["file"] == "old.yaml" and row["line"] > 0 for row in rows)
    log = json.loads(run("machineconfig", "lint", "old.yaml", "-o", "sarif").out)
    assert log["version"] == "2.1.0"
    assert len(log["runs"][0]["results"]) == len(rows)


def test_lint_as_a_hook(folder: Path) -> None:
    """As a pipeline runs it: a process, a text on its input, an exit code."""
    command = [sys.executable, "-m", "talos.talosctl.main", "machineconfig", "lint", "-", "--disable", "plain-secret"]
    for text, code in ((OLD, 0), (OLD.replace("token", "tokn"), 1)):
        found = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
        assert found.returncode == code, found.stderr
    assert "unknown key, did you mean 'token'?" in found.stdout


@pytest.mark.feature("F033", "G134")
def test_docs_and_schema(run: Any) -> None:
    assert run("docs", "ref").code == 0
    pages = {str(path.relative_to("ref")) for path in Path("ref").rglob("*") if path.is_file()}
    assert {"cli.md", "configuration/index.md", "configuration/network.md"} < pages
    written = json.loads(Path("ref/configuration/config.schema.json").read_text())
    assert json.loads(run("machineconfig", "schema").out) == written
    cli = Path("ref/cli.md").read_text()
    for path, help_ in _generated_index.COMMANDS.items():
        assert (f"## talosctl {path}\n" in cli) == bool(help_)
    assert run("docs", "only", "--cli").code == 0
    assert [path.name for path in Path("only").iterdir()] == ["cli.md"]


@pytest.mark.feature("G100")
def test_patch_of_a_patch_output_goes_on(run: Any) -> None:
    Path("p.yaml").write_text(run("mc", "diff", "old.yaml", "new.yaml", "-o", "patch").out)
    made = run("mc", "patch", "old.yaml", "-p", "@p.yaml").out
    assert run("mc", "patch", "old.yaml", "-p", "@p.yaml", "-o", "made.yaml").code == 0
    assert Path("made.yaml").read_text() == made
    assert run("mc", "diff", "made.yaml", "new.yaml", "--exit-code").code == 0
    assert list(yaml.safe_load_all(made))[1]["extraArgs"] == {"v": "4"}
