"""talosctl cgroups."""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session, single

if TYPE_CHECKING:
    from talos.talosctl import cgroup_tree, gotemplate

_ROOT = "/sys/fs/cgroup"
_BYTES = "{{ .%s.HumanizeIBytes }}"
Columns = tuple[tuple[str, str], ...]


def _plain(**columns: str) -> Columns:
    return tuple((name, f"{{{{ .{field} }}}}") for name, field in columns.items())


def _sizes(prefix: str, **columns: str) -> Columns:
    return tuple((prefix + name, _BYTES % field) for name, field in columns.items())


def _share(of: str) -> str:
    return f"{{{{ if .Parent }}}}{{{{ .CPUStat.{of}.DivideBy .Parent.CPUStat.{of} }}}}%{{{{ else }}}}-{{{{ end }}}}"


PRESETS: Mapping[str, Columns] = {
    "cpu": (
        *_plain(CpuWeight="CPUWeight", CpuNice="CPUWeightNice", CpuMax="CPUMax"),
        ("CpuUser", "{{ .CPUStat.user_usec.UsecToDuration }}"),
        ("User/%", _share("user_usec")),
        ("CpuSystem", "{{ .CPUStat.system_usec.UsecToDuration }}"),
        ("System/%", _share("system_usec")),
        ("Throttled", "{{ .CPUStat.throttled_usec.UsecToDuration }}"),
    ),
    "cpuset": (
        ("CpuSet", "{{ .CPUSetCPUs }}"),
        ("CpuSet(Eff)", "{{ .CPUSetCPUsEffective }}"),
        ("Mems", "{{ .CPUSetMems }}"),
        ("Mems(Eff)", "{{ .CPUSetMemsEffective }}"),
    ),
    "io": (
        ("Bytes Read/Written", "{{ range $disk, $v := .IOStat }}{{ if $v }}"
         "{{ $disk }}: {{ $v.rbytes.HumanizeIBytes }}/{{ $v.wbytes.HumanizeIBytes }} {{ end }}{{ end }}"),
        ("ios Read/Write", "{{ range $disk, $v := .IOStat }}{{ if $v }}"
         "{{ $disk }}: {{ $v.rios }}/{{ $v.wios }} {{ end }}{{ end }}"),
        *_plain(PressAvg10="IOPressure.some.avg10", PressAvg60="IOPressure.some.avg60"),
        ("PressTotal", "{{ .IOPressure.some.total.UsecToDuration }}"),
    ),
    "memory": (
        *_sizes("Mem", Current="MemoryCurrent", Peak="MemoryPeak", Low="MemoryLow"),
        ("Peak/Low", "{{ .MemoryPeak.DivideBy .MemoryLow }}%"),
        *_sizes("Mem", High="MemoryHigh", Min="MemoryMin"),
        ("Current/Min", "{{ .MemoryCurrent.DivideBy .MemoryMin }}%"),
        *_sizes("Mem", Max="MemoryMax"),
    ),
    "process": (
        *_plain(PidsCurrent="PidsCurrent", PidsPeak="PidsPeak", PidsMax="PidsMax"),
        ("Procs", "{{ .CgroupProcs | len }}"),
        ("Threads", "{{ .CgroupThreads | len }}"),
        ("Processes", '{{ if .Parent }}{{ .CgroupProcsResolved | print | printf "%.50s" }}{{ end }}'),
    ),
    "psi": (
        *_sizes("Mem", Current="MemoryCurrent"),
        *_plain(MemPsiSome10="MemoryPressure.some.avg10", MemPsi10="MemoryPressure.full.avg10",
                CpuPsi10="CPUPressure.full.avg10", IoPsi10="IOPressure.full.avg10"),
    ),
    "swap": _sizes("Swap", Current="MemorySwapCurrent", Peak="MemorySwapPeak", High="MemorySwapHigh",
                   Max="MemorySwapMax"),
}  # fmt: skip
"""Columns of each preset: (title, template)."""


def columns(args: argparse.Namespace) -> list[tuple[str, gotemplate.Template]]:
    """Return the columns asked for. Raises Invalid, OSError."""
    import yaml

    from talos.talosctl import gotemplate

    if bool(args.preset) == bool(args.schema_file):
        raise errors.Invalid(f"name either --preset ({', '.join(PRESETS)}) or --schema-file")
    if args.preset:
        if args.preset not in PRESETS:
            raise errors.Invalid(f"--preset: expected {', '.join(PRESETS)}, got {args.preset!r}")
        return [(name, gotemplate.Template(text)) for name, text in PRESETS[args.preset]]
    try:
        found = yaml.safe_load(Path(args.schema_file).read_bytes())
        return [(str(one["name"]), gotemplate.Template(str(one["template"]))) for one in found["columns"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise errors.Invalid(
            f"{args.schema_file}: expected a list `columns` of `name` and `template`: {error}"
        ) from error


async def _archive(session: Session, node: str, path: str) -> io.BytesIO:
    from talos.machinery.api._generated.machine import machine_pb2

    stream = session.stream("/machine.MachineService/Copy", machine_pb2.CopyRequest(root_path=path), node=node)
    return io.BytesIO(b"".join([message.bytes async for message in stream]))


async def _check_version(session: Session, node: str) -> None:
    """Raise Unsupported for a node whose control groups are of the first version: they have no such tree."""
    from talos.machinery.api._generated.machine import machine_pb2
    from talos.machinery.rpc import status

    request = machine_pb2.ReadRequest(path=f"{_ROOT}/cgroup.controllers")
    try:
        async for _ in session.stream("/machine.MachineService/Read", request, node=node):
            pass
    except status.RpcError as error:
        if error.code is not status.Code.NOT_FOUND:
            raise
        raise errors.Unsupported(
            f"{node} uses version 1 of control groups, this command reads version 2 "
            "(`talosctl stats` shows processor and memory use of containers with both)"
        ) from error


async def _devices(session: Session, node: str) -> dict[str, str]:
    """Return number -> name of block devices: `8:0` is `sda`."""
    archive = await _archive(session, node, "/sys/dev/block")
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as found:
            return {one.name: one.linkname.rpartition("/")[2] for one in found if one.issym()}
    except tarfile.TarError as error:
        raise errors.Invalid(f"the archive of {node} can not be read: {error}") from error


async def _processes(session: Session, node: str) -> dict[str, str]:
    """Return pid -> name."""
    from google.protobuf import empty_pb2

    reply = await session.unary("/machine.MachineService/Processes", empty_pb2.Empty(), node=node)
    named = {}
    for message in reply.messages:
        for one in message.processes:
            name = one.executable or one.command or (one.args.split() or [""])[0]
            named[str(one.pid)] = name.rpartition("/")[2]
    return named


async def _containers(session: Session, node: str) -> dict[str, str]:
    """Return group -> name, of pods and their containers."""
    from talos.machinery.api._generated.common import common_pb2
    from talos.machinery.api._generated.machine import machine_pb2

    asked = machine_pb2.ContainersRequest(namespace="k8s.io", driver=common_pb2.CRI)
    reply = await session.unary("/machine.MachineService/Containers", asked, node=node)
    named = {}
    for one in (one for message in reply.messages for one in message.containers):
        if one.uid and one.pod_id:
            named[f"pod{one.uid}"] = one.pod_id
        if one.internal_id:
            named[one.internal_id] = "sandbox" if one.id == one.pod_id else one.name
    return named


async def _named(session: Session, node: str, what: str, ask: Any) -> dict[str, str]:
    """Names are a convenience: without them the numbers are shown."""
    from talos.machinery.rpc import status

    try:
        found: dict[str, str] = await ask(session, node)
    except (status.RpcError, errors.Invalid) as error:
        output.say(f"warning: {what} of {node} have no names: {error}")
        return {}
    return found


def resolve(root: cgroup_tree.Group, containers: Mapping[str, str], processes: Mapping[str, str],
            devices: Mapping[str, str]) -> None:  # fmt: skip
    """Put names in the place of numbers."""
    for group in root.walk():
        group.children = {containers.get(name, name): child for name, child in group.children.items()}
        pids = [str(pid) for pid in group.fields["CgroupProcs"]]
        group.fields["CgroupProcsResolved"] = [processes.get(pid, pid) for pid in pids]
        stat = group.fields["IOStat"]
        group.fields["IOStat"] = type(stat)((devices.get(key, key), value) for key, value in stat.items())


def rows(
    root: cgroup_tree.Group, shown: list[tuple[str, gotemplate.Template]]
) -> list[list[str]]:  # fmt: skip
    """Return the tree as rows of a table, one per group, children by name."""
    made: list[list[str]] = []

    def add(name: str, group: cgroup_tree.Group, parent: cgroup_tree.Group | None, indent: str) -> None:
        data = group.fields | {"Parent": parent.fields if parent else None}
        made.append([name, *(template.render(data) for _, template in shown)])
        children = sorted(group.children)
        for child in children:
            edge, below = ("└──", "    ") if child == children[-1] else ("├──", "│   ")
            add(f"{indent}{edge}{child}", group.children[child], group, indent + below)

    add(".", root, None, "")
    return made


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Show what the control groups of a node use."""
    from talos.talosctl import cgroup_tree

    shown = columns(args)
    node = single(session.nodes, "cgroups")
    await _check_version(session, node)
    root = cgroup_tree.read(await _archive(session, node, _ROOT))
    containers = {} if args.skip_cri_resolve else await _named(session, node, "containers", _containers)
    processes = await _named(session, node, "processes", _processes)
    resolve(root, containers, processes, await _named(session, node, "devices", _devices))
    output.table(("NAME", *(name for name, _ in shown)), rows(root, shown))
    return None


COMMAND = command.Command(
    path="cgroups",
    help="show what control groups use",
    run=run,
    aliases=("cg",),
    flags=(
        command.Flag("preset", f"columns to show: {', '.join(PRESETS)}"),
        command.Flag("schema-file", "file with columns to show: name and Go template of each"),
        command.Flag("skip-cri-resolve", "leave the names of pods and containers out", kind="bool"),
    ),
    example="talosctl cgroups --preset memory",
)
