import os
from pathlib import Path

import pytest

from talos.linux import cgroup, process

pytestmark = pytest.mark.needs_root


def _read(fd: int) -> dict[str, str]:
    lines = os.read(fd, 65536).decode().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@pytest.mark.feature("H034")
async def test_user_capabilities_and_no_new_privileges(tmp_path: Path) -> None:
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    child = process.spawn(
        process.Spawn(
            ["/bin/cat", "/proc/self/status"],
            uid=50,
            gid=51,
            groups=[52],
            capabilities=frozenset({"CAP_NET_BIND_SERVICE"}),
            no_new_privileges=True,
            stdio=fifo,
        )
    )
    assert (await child.wait())[0] == 0
    status = _read(reader)
    os.close(reader)
    assert status["Uid"].split() == ["50"] * 4
    assert status["Gid"].split() == ["51"] * 4
    assert status["Groups"] == "52"
    assert status["NoNewPrivs"] == "1"
    for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        assert int(status[key], 16) == 1 << 10


@pytest.mark.feature("H034")
async def test_no_capability_left(tmp_path: Path) -> None:
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    child = process.spawn(
        process.Spawn(["/bin/cat", "/proc/self/status"], uid=50, capabilities=frozenset(), stdio=fifo)
    )
    await child.wait()
    status = _read(reader)
    os.close(reader)
    assert {int(status[key], 16) for key in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {0}


async def test_cgroup_of_spawned_process_and_kill(tmp_path: Path) -> None:
    tree = cgroup.tree()
    name = f"talos-test-{os.getpid()}"
    tree.create(f"{name}/a", cgroup.Limits(memory_max_bytes=64 * 1024 * 1024, millicores=500))
    try:
        child = process.spawn(process.Spawn(["/bin/sleep", "60"], cgroup_files=tree.procs_files(f"{name}/a")))
        assert tree.pids(name) == {child.pid}
        assert tree.usage(f"{name}/a").memory_bytes > 0
        await tree.kill(name)
        assert (await child.wait())[1] == 9
        assert tree.pids(name) == set()
    finally:
        tree.delete(name)
    assert not tree.exists(name)
