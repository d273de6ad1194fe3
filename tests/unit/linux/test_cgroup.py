from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import cgroup, mount


def test_plan_v2() -> None:
    limits = cgroup.Limits(
        memory_min_bytes=1, memory_low_bytes=2, memory_max_bytes=3, millicores=1000, cpu_max_millicores=1500, pids_max=9
    )
    assert [(w.file, w.value) for w in cgroup.plan(cgroup.Version.V2, limits)] == [
        ("memory.min", "1"),
        ("memory.low", "2"),
        ("memory.max", "3"),
        ("cpu.weight", "39"),
        ("cpu.max", "150000 100000"),
        ("pids.max", "9"),
    ]


def test_plan_v1_leaves_out_what_v1_lacks() -> None:
    limits = cgroup.Limits(memory_min_bytes=1, memory_max_bytes=3, millicores=500)
    assert [(w.controller, w.file, w.value) for w in cgroup.plan(cgroup.Version.V1, limits)] == [
        ("memory", "memory.limit_in_bytes", "3"),
        ("cpu", "cpu.shares", "512"),
    ]


@pytest.mark.parametrize(("millicores", "weight"), [(0, 1), (1000, 39), (1_000_000_000, 10000)])
def test_weight(millicores: int, weight: int) -> None:
    assert cgroup.weight(millicores) == weight


def _mount(target: str, kind: str, options: tuple[str, ...] = ()) -> mount.Mount:
    return mount.Mount(1, 0, "0:1", "/", target, (), (), kind, "cgroup", options)


def test_tree_v1_with_bare_v2_beside() -> None:
    tree = cgroup.tree(
        Path("/c"),
        [
            _mount("/c", "tmpfs"),
            _mount("/c/cpu,cpuacct", "cgroup", ("rw", "cpu", "cpuacct")),
            _mount("/c/systemd", "cgroup", ("rw", "xattr", "name=systemd")),
            _mount("/c/unified", "cgroup2"),
        ],
    )
    assert tree.version is cgroup.Version.V1
    assert tree.mounts["cpuacct"] == Path("/c/cpu,cpuacct")
    assert tree.directories("a/b") == [Path("/c/cpu,cpuacct/a/b"), Path("/c/systemd/a/b")]


def test_tree_v2() -> None:
    tree = cgroup.tree(Path("/c"), [_mount("/c", "cgroup2")])
    assert tree.version is cgroup.Version.V2
    assert tree.procs_files("/x") == [Path("/c/x/cgroup.procs")]


def test_no_hierarchy() -> None:
    with pytest.raises(errors.Unsupported):
        cgroup.tree(Path("/c"), [_mount("/d", "cgroup2")])


def test_path_may_not_leave_the_tree() -> None:
    with pytest.raises(errors.Invalid):
        cgroup.Tree(cgroup.Version.V2, {"": Path("/c")}).directories("a/../b")


def test_create_in_v2_enables_controllers_top_down(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "a", tmp_path / "a/b"):
        directory.mkdir(exist_ok=True)
        (directory / "cgroup.controllers").write_text("cpu memory perf_event\n")
        (directory / "cgroup.subtree_control").write_text("memory" if directory == tmp_path else "")
    cgroup.Tree(cgroup.Version.V2, {"": tmp_path}).create("a/b")
    # A plain file keeps the last write only; that is enough to see the order and the choice.
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
    assert (tmp_path / "a/cgroup.subtree_control").read_text() == "+memory"
    assert (tmp_path / "a/b/cgroup.subtree_control").read_text() == ""
