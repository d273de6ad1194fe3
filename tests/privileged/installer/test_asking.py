"""The built system is asked about configurations, by its own program in its own root file system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from talos.installer import asking, sources
from tests import capabilities

pytestmark = [pytest.mark.needs_machine]
CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent


def config(folder: Path) -> bytes:
    argv = [sys.executable, "-m", "talos.talosctl.main", "gen", "config", "x", "https://10.0.0.1:6443"]
    env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    subprocess.run([*argv, "--output", str(folder)], env=env, check=True, timeout=60, capture_output=True)
    documents = (folder / "worker.yaml").read_text().split("\n---\n")
    # What this release refuses to do is of no matter here.
    return "\n---\n".join(d for d in documents if "kind: SecurityProfileConfig" not in d).encode()


@pytest.mark.feature("J002")
def test_it_takes_what_it_understands_and_says_what_it_does_not(tmp_path: Path) -> None:
    found = sources.from_file(capabilities.machine_dir() / "pytalos.efi")
    good = config(tmp_path)
    assert asking.config_problems(found, tmp_path, good, "metal") == ""
    said = asking.config_problems(found, tmp_path, good + b"\nsomething: unknown\n", "metal")
    assert "something" in said
    assert asking.config_problems(found, tmp_path, b"\xff\xfe: [", "metal") != ""
    assert list(tmp_path.glob("*.sqsh")) == []
