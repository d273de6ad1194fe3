import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from talos.base.constants import versions
from tests import capabilities

ROOT = Path(__file__).resolve().parents[3]
BOX = ROOT / "tests/privileged/box.py"
pytestmark = [pytest.mark.needs_root, pytest.mark.needs_netns, pytest.mark.needs_artifacts]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the script of in_box.py once, in a machine of its own, with the programs of the built root file system."""
    work = tmp_path_factory.mktemp("containerd")
    for name in ("scratch", "out", "var", "rootfs"):
        (work / name).mkdir()
    artifacts = capabilities.artifacts_dir().resolve()
    command = ["unsquashfs", "-f", "-d", str(work / "rootfs"), str(artifacts / "rootfs.sqsh"), "usr/bin"]
    subprocess.run(command, check=True, capture_output=True)
    binds = {work / "out": "/out", work / "var": "/var", artifacts / "images": "/images", ROOT: ROOT}
    arguments = [word for source, target in binds.items() for word in ("--bind", f"{source}:{target}")]
    programs = " ".join(f"/rootfs/usr/bin/{name}" for name in ("containerd", "containerd-shim-runc-v2", "runc"))
    arguments += ["--bind", f"{work / 'rootfs'}:/rootfs", "--env", f"PYTHONPATH={ROOT}/src"]
    script = f"cp {programs} /usr/bin/ && exec {sys.executable} {ROOT}/tests/privileged/supervisor/in_box.py"
    done = subprocess.run(
        [sys.executable, str(BOX), "--scratch", str(work / "scratch"), *arguments, "--", "/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((work / "out/seen.json").read_text())
    return found


def test_images_come_in_fast_and_once(seen: dict[str, Any]) -> None:
    assert versions.IMAGE_ETCD in seen["listed"]
    assert versions.IMAGE_PAUSE in seen["names"]["k8s.io"]
    assert seen["import_s"] < 10
    assert seen["again_s"] < 0.5


@pytest.mark.feature("H034")
def test_container_runs_as_asked(seen: dict[str, Any]) -> None:
    assert seen["uid"] == "60"
    assert int(seen["capabilities"], 16) == 0
    assert seen["cgroups"] == ["/podruntime/sleeper"]
    assert seen["shim_cgroup"] == "/podruntime/shim"


@pytest.mark.feature("H034")
def test_killed_services_are_back(seen: dict[str, Any]) -> None:
    assert seen["containerd_back_s"] < 1
    assert seen["container_back_s"] < 3


def test_deaths_do_not_spread(seen: dict[str, Any]) -> None:
    assert seen["same_after_containerd"] is True
    assert seen["same_after_supervisor"] is True
    assert seen["adopted"] == ["took", "took"]


def test_nothing_is_left(seen: dict[str, Any]) -> None:
    assert seen["left"] == []
