"""cgroups: a node's version 2 hierarchy as a table, for each preset and for columns of one's own."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import status
from talos.talosctl import cgroup_tree
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster

UID, ID = "0b6c3a52-aa", "4c1f7a9e"
PRESSURE = "some avg10=1.50 avg60=0.20 avg300=0.00 total=2500000\nfull avg10=0.07 avg60=0.00 avg300=0.00 total=1\n"
FILES = {
    "cgroup.controllers": "cpu io memory pids\n",
    "cpu.stat": "usage_usec 300\nuser_usec 4000000\nsystem_usec 2000000\n",
    "memory.pressure": PRESSURE,
    "memory.numa_stat": "broken line without numbers\n",
    "system/memory.current": "1572864\n",
    "system/memory.peak": "3145728\n",
    "system/memory.low": "1048576\n",
    "system/memory.min": "0\n",
    "system/memory.high": "max\n",
    "system/memory.max": "2147483648\n",
    "system/memory.swap.current": "4096\n",
    "system/memory.swap.max": "max\n",
    "system/cpu.weight": "100\n",
    "system/cpu.weight.nice": "0\n",
    "system/cpu.max": "max 100000\n",
    "system/cpu.stat": "user_usec 1000000\nsystem_usec 500000\nthrottled_usec 62500000\n",
    "system/cpu.pressure": PRESSURE,
    "system/memory.pressure": PRESSURE,
    "system/io.pressure": PRESSURE,
    "system/io.stat": "8:0 rbytes=2048 wbytes=1048576 rios=3 wios=4 dbytes=0 dios=0\n7:1 \n",
    "system/cpuset.cpus": "0-1\n",
    "system/cpuset.cpus.effective": "0-3\n",
    "system/cpuset.mems.effective": "0\n",
    "system/pids.current": "12\n",
    "system/pids.max": "max\n",
    "system/cgroup.procs": "7\n99\n",
    "system/cgroup.threads": "7\n8\n99\n",
    f"kubepods/pod{UID}/{ID}/pids.current": "2\n",
    f"kubepods/pod{UID}/{ID}-sandbox/pids.current": "1\n",
}


def archive(files: dict[str, str], links: dict[str, str] | None = None) -> list[common_pb2.Data]:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    data = made.getvalue()
    return [common_pb2.Data(bytes=data[at : at + 1000]) for at in range(0, len(data), 1000)]


@pytest.fixture
def node(cluster: Cluster) -> Cluster:
    def copied(request: Any, node: str) -> list[common_pb2.Data]:
        return archive(FILES) if request.root_path == "/sys/fs/cgroup" else archive({}, {"8:0": "../../devices/x/sda"})

    cluster.serve(f"{MACHINE}Read", common_pb2.Data(bytes=b"cpu"))
    cluster.serve(f"{MACHINE}Copy", copied)
    processes = [machine_pb2.ProcessInfo(pid=7, executable="/usr/bin/containerd"), machine_pb2.ProcessInfo(pid=8)]
    cluster.serve(
        f"{MACHINE}Processes", machine_pb2.ProcessesResponse(messages=[machine_pb2.Process(processes=processes)])
    )
    pod = {"pod_id": "kube-system/dns", "uid": UID}
    containers = [
        machine_pb2.ContainerInfo(id="kube-system/dns", internal_id=f"{ID}-sandbox", name="dns", **pod),
        machine_pb2.ContainerInfo(id="kube-system/dns:core:4c1f", internal_id=ID, name="core", **pod),
    ]
    cluster.serve(
        f"{MACHINE}Containers",
        machine_pb2.ContainersResponse(messages=[machine_pb2.Container(containers=containers)]),
    )
    return cluster


def line(cluster: Cluster, preset: str, start: str = "└──system") -> list[str]:
    ran = cluster.run("cgroups", "--preset", preset)
    assert ran.code == 0, ran.err
    (found,) = [one for one in ran.lines if one.startswith(start)]
    return found.split()[1:]


def first_cells(lines: list[str]) -> list[str]:
    width = lines[0].index("SwapCurrent")
    return [line[:width].rstrip() for line in lines]


@pytest.mark.feature("G017", "Q017", "S062")
@pytest.mark.parametrize(
    ("preset", "cells"),
    [
        ("cpu", "100 0 [max 100000] 1s 25.00% 500ms 25.00% 1m2.5s"),
        ("cpuset", "0-1 0-3 0"),
        ("io", "sda: 2.0 KiB/1.0 MiB sda: 3/4 1.50 0.20 2.5s"),
        ("memory", "1.5 MiB 3.0 MiB 1.0 MiB 300.00% max 0 B max% 2.0 GiB"),
        ("process", "12 unset max 2 3 [containerd 99]"),
        ("psi", "1.5 MiB 1.50 0.07 0.07 0.07"),
        ("swap", "4.0 KiB unset unset max"),
    ],
)
def test_presets(node: Cluster, preset: str, cells: str) -> None:
    assert line(node, preset) == cells.split()


def test_the_tree_names_pods_and_containers(node: Cluster) -> None:
    names = first_cells(node.run("cgroups", "--preset", "swap").lines)
    assert names == ["NAME", ".", "├──kubepods", "│   └──kube-system/dns", "│       ├──core", "│       └──sandbox",
                     "└──system"]  # fmt: skip
    bare = first_cells(node.run("cg", "--preset", "swap", "--skip-cri-resolve").lines)
    assert bare[3:6] == [f"│   └──pod{UID}", f"│       ├──{ID}", f"│       └──{ID}-sandbox"]


def test_names_that_can_not_be_had_are_left_out(node: Cluster) -> None:
    def away(request: Any, node: str) -> Any:
        raise status.RpcError(status.Code.UNAVAILABLE, "CRI is not there")

    node.serve(f"{MACHINE}Containers", away)
    ran = node.run("cgroups", "--preset", "swap")
    assert ran.code == 0
    assert f"pod{UID}" in ran.out
    assert "containers of 10.5.0.2 have no names" in ran.err
    assert "CRI is not there" in ran.err


def test_columns_of_ones_own(node: Cluster, tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    template = '{{ if .Parent }}{{ .MemoryPeak.DivideBy .MemoryMax | printf "%8s%%" }}{{ end }}'
    schema.write_text(f"columns:\n  - name: Peak/Max\n    template: '{template}'\n")
    ran = node.run("cgroups", "--schema-file", str(schema))
    assert ran.lines[0] == "NAME                     Peak/Max"
    assert ran.lines[-1].split() == ["└──system", "0.15%"]


@pytest.mark.parametrize("argv", [(), ("--preset", "none"), ("--preset", "cpu", "--schema-file", "x")])
def test_what_is_shown_has_to_be_named_once(node: Cluster, argv: tuple[str, ...]) -> None:
    assert node.run("cgroups", *argv).code == 2


def test_a_schema_that_is_none(node: Cluster, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("columns: [{name: x}]")
    assert node.run("cgroups", "--schema-file", str(tmp_path / "bad.yaml")).code == 2


def test_version_1_is_told(node: Cluster) -> None:
    def missing(request: Any, node: str) -> Any:
        raise status.RpcError(status.Code.NOT_FOUND, "no such file")

    node.serve(f"{MACHINE}Read", missing)
    ran = node.run("cgroups", "--preset", "cpu")
    assert (ran.code, ran.out) == (7, "")
    assert "version 1 of control groups" in ran.err
    assert not node.requests(f"{MACHINE}Copy")


@pytest.mark.parametrize(
    ("text", "shown", "bytes_"),
    [("max", "max", "max"), ("0", "0", "0 B"), ("1023", "1023", "1023 B"), ("1536", "1536", "1.5 KiB"),
     ("10485760", "10485760", "10 MiB"), ("0.25", "0.25", "0.25"), ("12.07", "12.07", "12.07"), ("-5", "-5", "-5 B")],
)  # fmt: skip
def test_values(text: str, shown: str, bytes_: str) -> None:
    value = cgroup_tree.parse_value(text)
    assert (str(value), value.humanize()) == (shown, bytes_)


def test_shares() -> None:
    def share(one: str, other: str) -> str:
        return str(cgroup_tree.parse_value(one).divide_by(cgroup_tree.parse_value(other)))

    assert [share("1", "3"), share("max", "max"), share("1", "max"), share("1", "0"), share("max", "1")] == [
        "33.33", "100.00", "0.00", "max", "max",
    ]  # fmt: skip
    assert str(cgroup_tree.Value().divide_by(cgroup_tree.parse_value("1"))) == "unset"
