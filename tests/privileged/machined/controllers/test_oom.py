"""A real control group is ended, with real processes in it, and only that one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos.linux import mount
from talos.machined.controllers.runtime import oom
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.oom_action import OOMAction
from talos.testing import ctest

CALM = "some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\nfull avg10=%s avg60=0.00 avg300=0.00 total=0\n"


@pytest.fixture
def root() -> Iterator[Path]:
    """A group of version 2 that stands for the root, with two pods and the node's own services."""
    unified = next((Path(one.target) for one in mount.table() if one.fs_type == "cgroup2"), None)
    assert unified is not None, "no cgroup2 is mounted"
    top = unified / f"talos-oom-{uuid.uuid4().hex[:8]}"
    groups = ["kubepods/besteffort/podaaa/c1", "kubepods/burstable/podbbb", "system"]
    for one in groups:
        (top / one).mkdir(parents=True)
    yield top
    for path, _, _ in os.walk(top, topdown=False):
        kill = Path(path) / "cgroup.kill"
        if kill.exists():
            kill.write_text("1")
    for _ in range(100):
        if not any((Path(path) / "cgroup.procs").read_text() for path, _, _ in os.walk(top)):
            break
        subprocess.run(["sleep", "0.02"], check=True)
    for path, _, _ in os.walk(top, topdown=False):
        Path(path).rmdir()


def _start(group: Path) -> subprocess.Popen[bytes]:
    made = subprocess.Popen(["sleep", "300"])
    (group / "cgroup.procs").write_text(str(made.pid))
    return made


@pytest.mark.feature("E222", "P020")
async def test_the_pod_that_is_worth_least_goes_as_a_whole(root: Path, tmp_path: Path) -> None:
    victims = [_start(root / "kubepods/besteffort/podaaa/c1") for _ in range(2)]
    others = [_start(root / "kubepods/burstable/podbbb"), _start(root / "system")]
    handler = oom.OOMController()
    handler._root, handler._system = root, tmp_path / "memory"
    handler._system.write_text(CALM % (0, "0.00"))
    document = b"""apiVersion: v1alpha1
kind: OOMConfig
triggerExpression: memory_full_avg10 > 50.0 && time_since_trigger > duration("100ms")
cgroupRankingExpression: "{Besteffort: 2.0, Burstable: 1.0, Guaranteed: 0.0, Podruntime: 0.0, System: 0.0}[class]"
sampleInterval: 50ms
"""
    async with ctest.bench(handler) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document)))
        await asyncio.sleep(0.3)
        assert await b.store.list(OOMAction) == []
        handler._system.write_text(CALM % (9, "80.00"))
        found = await b.expect(OOMAction, "1")
        handler._system.write_text(CALM % (9, "0.00"))
        assert found.spec.score == 2.0
        assert len(found.spec.processes) == 2
        assert "memory_full_avg10=80" in found.spec.trigger_context
        assert [one.wait(5) for one in victims] == [-9, -9]
    assert [one.poll() for one in others] == [None, None]
    for one in others:
        one.kill()
        one.wait()


async def test_a_quiet_machine_costs_one_file(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []
    monkeypatch.setattr("talos.machined.controllers.runtime._oom.look", lambda *a: looked.append(0.0))
    monkeypatch.setattr(oom, "SAMPLE_S", 0.02)
    handler = oom.OOMController()
    handler._root, handler._system = root, tmp_path / "memory"
    handler._system.write_text(CALM % (7, "0.00"))
    handler._waits = 7.0
    async with ctest.bench(handler):
        await asyncio.sleep(0.2)
    assert looked == []
