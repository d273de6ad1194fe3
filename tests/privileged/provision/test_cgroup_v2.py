"""The cgroup v2 subtree, in a real v2 hierarchy: with the one controller that a v1 machine leaves to it."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import cgroup, mount
from talos.provision.providers.namespaces import launcher, subtree

pytestmark = pytest.mark.needs_root
NAME = "hugetlb"


@pytest.fixture
def top() -> Iterator[Path]:
    """An inner cgroup, as a container sees it: with controllers to give, and a process in it."""
    root = next(Path(one.target) for one in mount.table() if one.fs_type == "cgroup2")
    had = (root / "cgroup.subtree_control").read_text().split()
    (root / "cgroup.subtree_control").write_text(f"+{NAME}")
    made = root / f"talos-test-{os.getpid()}"
    made.mkdir()
    resident = subprocess.Popen(["sleep", "infinity"])
    (made / "cgroup.procs").write_text(str(resident.pid))
    try:
        yield made
    finally:
        resident.kill()
        resident.wait()
        for name, _, _ in os.walk(made, topdown=False):
            Path(name).rmdir()
        if NAME not in had:
            (root / "cgroup.subtree_control").write_text(f"-{NAME}")


def _pids(directory: Path) -> list[str]:
    return (directory / "cgroup.procs").read_text().split()


def test_an_inner_top_is_emptied_and_filled_again(top: Path) -> None:
    before = _pids(top)
    assert len(before) == 1
    subtree.open_top(top, (NAME,))
    assert (top / "cgroup.subtree_control").read_text().split() == [NAME]
    assert (_pids(top), _pids(top / "talos-host")) == ([], before)
    subtree.open_top(top, (NAME,))
    tree = cgroup.Tree(cgroup.Version.V2, {"": top})
    tree.create("talos/k.0/node/machine")
    assert NAME in (top / "talos/k.0/node/machine/cgroup.controllers").read_text().split()
    tree.delete("talos")
    subtree.close_top(top)
    assert (_pids(top), (top / "talos-host").exists()) == (before, False)
    assert (top / "cgroup.subtree_control").read_text() == ""
    subtree.close_top(top)


def test_a_controller_that_is_not_there_is_named_and_nothing_stays_moved(top: Path) -> None:
    before = _pids(top)
    with pytest.raises(errors.Unsupported, match=r"cannot give the controllers nonsense to the nodes"):
        subtree.open_top(top, (NAME, "nonsense"))
    assert (_pids(top), (top / "talos-host").exists()) == (before, False)


def test_a_node_can_boot_again_in_the_cgroup_it_gave_controllers_in(top: Path) -> None:
    """What PID 1 of the last boot enabled would keep the next one out."""
    machine = top / "machine"
    subtree.open_top(top, (NAME,))
    (machine / "init").mkdir(parents=True)
    (machine / "cgroup.subtree_control").write_text(f"+{NAME}")
    process = subprocess.Popen(["sleep", "infinity"])
    try:
        with pytest.raises(OSError) as refused:
            (machine / "cgroup.procs").write_text(str(process.pid))
        assert refused.value.errno == errno.EBUSY
        launcher.clear_cgroups([str(machine)])
        assert not (machine / "init").exists()
        (machine / "cgroup.procs").write_text(str(process.pid))
        assert _pids(machine) == [str(process.pid)]
    finally:
        process.kill()
        process.wait()


def test_a_name_in_v1_needs_no_subtree(tmp_path: Path) -> None:
    tree = cgroup.Tree(cgroup.Version.V1, {"memory": tmp_path / "memory", "cpu": tmp_path / "cpu"})
    subtree.create(tree, "talos/k/node")
    assert tree.exists("talos/k/node")
    assert not (tmp_path / "memory/talos-host").exists()
