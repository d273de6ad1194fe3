from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from talos.imager import command, errors


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("write /x: no space left on device", errors.DiskFull),
        ('Get "https://example.org/@v/list": dial tcp: lookup example.org: no such host', errors.NetworkMissing),
        ("reading https://example.org/a/@v/v1.zip: 404 Not Found", errors.NetworkMissing),
        ("go: a@v1: module lookup disabled by GOPROXY=off", errors.NetworkMissing),
        ("E: Failed to fetch http://example.org/x.deb  Temporary failure resolving", errors.NetworkMissing),
        ("main.go:3: undefined: x", errors.BuildFailed),
        ("listen tcp 1.2.3.4:80: address in use", errors.BuildFailed),
    ],
)
def test_failures_are_named(output: str, kind: type[Exception]) -> None:
    assert type(command.classify(["go", "build"], 1, output)) is kind


def test_output_goes_to_the_log_and_back(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    assert command.run(["sh", "-c", "echo out; echo err >&2"], log=log, timeout_s=10) == "out\nerr"
    assert log.read_text() == "$ sh -c echo out; echo err >&2\nout\nerr\n"


def test_a_failure_carries_code_and_output(tmp_path: Path) -> None:
    with pytest.raises(errors.BuildFailed, match="because") as caught:
        command.run(["sh", "-c", "echo because; exit 3"], log=tmp_path / "log", timeout_s=10)
    assert caught.value.code == 3


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    with pytest.raises(errors.BuildFailed, match="not done after"):
        command.run(["sh", "-c", "sleep 60 & echo $!; wait"], log=tmp_path / "log", timeout_s=0.5)
    grandchild = int((tmp_path / "log").read_text().splitlines()[-1])
    deadline = time.monotonic() + 5
    while _running(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _running(grandchild)


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_an_absent_program_names_its_package() -> None:
    with pytest.raises(errors.ToolMissing, match="apt-get install frobnicate-tools"):
        command.find("frobnicate", "frobnicate-tools")
