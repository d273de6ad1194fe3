import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BOX = ROOT / "tests/privileged/box.py"
pytestmark = [pytest.mark.needs_root, pytest.mark.needs_netns]


def _start(tmp_path: Path, script: str) -> "subprocess.Popen[str]":
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "scratch").mkdir()
    box = [sys.executable, str(BOX), "--scratch", str(tmp_path / "scratch"), "--bind", f"{out}:/out"]
    env = ["--env", "PLATFORM=container", "--env", f"PYTHONPATH={ROOT}/src"]
    command = [sys.executable, "-S", "-m", "talos.init.main", "/bin/sh", "-c", script]
    return subprocess.Popen([*box, *env, "--", *command], stderr=subprocess.PIPE, text=True)


def test_crashes_are_survived_and_codes_are_kept(tmp_path: Path) -> None:
    box = _start(tmp_path, "echo $$ >> /out/turns; [ $(wc -l < /out/turns) -lt 4 ] && kill -9 $$; exit 81")
    _, err = box.communicate(timeout=30)
    assert box.returncode == 42, err
    assert len((tmp_path / "out/turns").read_text().split()) == 4
    assert err.count("machined ended with signal 9") == 3


@pytest.mark.feature("R004")
def test_terminate_is_passed_on_and_ends_with_zero(tmp_path: Path) -> None:
    box = _start(
        tmp_path, "trap 'echo stopped > /out/stopped; exit 80' TERM; touch /out/up; while :; do sleep 0.05; done"
    )
    deadline = time.monotonic() + 10
    while not (tmp_path / "out/up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    box.send_signal(signal.SIGTERM)
    _, err = box.communicate(timeout=30)
    assert box.returncode == 0, err
    assert (tmp_path / "out/stopped").exists()


def test_orphans_are_reaped_and_left_over_processes_ended(tmp_path: Path) -> None:
    script = (
        "if [ ! -e /out/one ]; then touch /out/one; (sleep 0.1 & exec true) &"
        " (trap '' TERM; while :; do sleep 1; done) &"
        " sleep 0.5; cat /proc/[0-9]*/stat | grep -c ' Z ' > /out/zombies; exit 80; fi"
    )
    box = _start(tmp_path, script)
    began = time.monotonic()
    _, err = box.communicate(timeout=30)
    assert box.returncode == 0, err
    assert (tmp_path / "out/zombies").read_text().strip() == "0"
    assert time.monotonic() - began < 15


@pytest.mark.feature("H035")
def test_mounts_cgroups_and_propagation(tmp_path: Path) -> None:
    script = (
        "cat /proc/self/cgroup > /out/cgroup; cat /proc/self/mountinfo > /out/mounts; cat /proc/1/cgroup > /out/first;"
        " ls -d /system /run /tmp /dev/shm > /out/dirs; exit 80"
    )
    box = _start(tmp_path, script)
    _, err = box.communicate(timeout=30)
    assert box.returncode == 0, err
    paths = {line.split(":", 2)[2] for line in (tmp_path / "out/cgroup").read_text().splitlines()}
    assert paths == {"/init"}
    assert (tmp_path / "out/first").read_text() == (tmp_path / "out/cgroup").read_text()
    lines = [line.split(" ") for line in (tmp_path / "out/mounts").read_text().splitlines()]
    root = next(fields for fields in lines if fields[4] == "/")
    assert any(field.startswith("shared:") for field in root[6:])
    assert not list(Path("/sys/fs/cgroup").glob("*/talos-box-*"))
