import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from talos.base import errors
from talos.provision import request
from talos.provision.state import FILE, Access, Phase, Store, default_folder


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.create(request.build(name="a"), options={"balanced": False}, artifacts="/x")
    made.record("one")
    made.update(phase=Phase.READY, access={"kubeconfig": Access("/k", "admin@a", "d", "old")})
    again = store.load("a")
    assert again.state == made.state
    assert store.names() == ["a"]
    assert next(iter(store.others("b"))).name == "a"
    assert list(store.others("a")) == []


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    made = Store(tmp_path).create(request.build(name="a"))
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((made.folder / FILE).stat().st_mode) == 0o600


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert store.names() == []
    assert store.find("a") is None
    with pytest.raises(errors.NotFound, match="there is no cluster a"):
        store.load("a")
    with pytest.raises(errors.Invalid):
        store.load("../etc")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 99}', '{"format": 1}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / FILE).write_text(content)
    with pytest.raises(errors.Invalid, match=r"state\.json"):
        Store(tmp_path).load("a")


def test_the_state_file_goes_last(tmp_path: Path) -> None:
    made = Store(tmp_path).create(request.build(name="a"))
    (made.folder / "nodes" / "n").mkdir(parents=True)
    (made.folder / "nodes" / "n" / "file").touch()
    made.delete()
    assert list(tmp_path.iterdir()) == []
    made.delete()


async def test_two_commands_do_not_meet(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create(request.build(name="a"))
    script = (
        "import asyncio, sys, pathlib\nfrom talos.provision.state import Store\n"
        f"async def main():\n async with Store(pathlib.Path({str(tmp_path)!r})).lock('a'):\n"
        "  print('held', flush=True); sys.stdin.read()\nasyncio.run(main())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(errors.Conflict, match="another command is working on cluster a"):
            async with store.lock("a", timeout_s=0.2):
                pass
        # However the holder ends, the lock ends with it.
        other.kill()
        other.wait()
        async with store.lock("a"):
            pass
    finally:
        other.kill()
        other.communicate()


def test_the_file_is_never_half_written(tmp_path: Path) -> None:
    """A writer that is killed at any moment leaves the old or the new content."""
    store = Store(tmp_path)
    made = store.create(request.build(name="a"))
    script = (
        "import pathlib\nfrom talos.provision.state import Store\n"
        f"c = Store(pathlib.Path({str(tmp_path)!r})).load('a')\n"
        "print('go', flush=True)\n"
        "for n in range(100000):\n c.update(artifacts='x' * 20000 + str(n))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
        assert writer.stdout is not None
        writer.stdout.readline()
        for _ in range(20):
            assert json.loads((made.folder / FILE).read_text())["format"] == 1
        writer.kill()
        writer.communicate()
        assert store.load("a").state.request == made.state.request


def test_folder_follows_talos_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TALOS_HOME", raising=False)
    assert default_folder() == tmp_path / ".talos" / "clusters"
    monkeypatch.setenv("TALOS_HOME", "/elsewhere")
    assert default_folder() == Path("/elsewhere/clusters")
