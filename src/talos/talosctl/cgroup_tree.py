"""The control groups of a node as a tree of numbers, read from the archive the node sends of its cgroup v2 hierarchy.

Formats: Documentation/admin-guide/cgroup-v2.rst, "Interface Files". Names of fields and methods are those that column
files of `talosctl cgroups` use. Nothing is resolved here: names of containers and processes are given by the caller.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from talos.base import errors

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_MAX_FILE_BYTES = 1 << 20


class Value(NamedTuple):
    """A number of a cgroup file: `number` with the last `decimals` digits behind the point, `max`, or not there."""

    number: int = 0
    decimals: int = 0
    is_max: bool = False
    is_set: bool = False

    def __str__(self) -> str:
        if not self.is_set:
            return "unset"
        if self.is_max:
            return "max"
        if not self.decimals:
            return str(self.number)
        digits = str(self.number).zfill(self.decimals + 1)
        return f"{digits[: -self.decimals]}.{digits[-self.decimals :]}"

    def humanize(self) -> str:
        """Return bytes for people: `1.5 GiB`."""
        if not self.is_set or self.is_max or self.decimals:
            return str(self)
        amount, unit = float(self.number), 0
        while amount >= 1024 and unit < len(_UNITS) - 1:
            amount, unit = amount / 1024, unit + 1
        return f"{self.number} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}" if amount < 10 else (
            f"{amount:.0f} {_UNITS[unit]}"
        )  # fmt: skip

    def divide_by(self, other: Value) -> Value:
        """Return this as percentage of another, with two decimals; `max` for a part of nothing."""
        if not self.is_set or not other.is_set:
            return Value()
        if other.is_max:
            return Value(10_000 if self.is_max else 0, 2, is_set=True)
        if self.is_max or other.number == 0:
            return Value(is_max=True, is_set=True)
        return Value(round(self.number / other.number * 10_000), 2, is_set=True)

    def duration(self) -> str:
        """Return microseconds for people: `1m2.5s`."""
        import datetime

        from talos.machinery.config import values

        if not self.is_set or self.is_max:
            return str(self)
        return values.format_duration(datetime.timedelta(microseconds=self.number))


class Shown:
    """A value as templates see it: its methods by the names they have there."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def __str__(self) -> str:
        return str(self.value)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name == "DivideBy":
            return lambda other: Shown(self.value.divide_by(other.value))
        return {"HumanizeIBytes": self.value.humanize, "UsecToDuration": self.value.duration,
                "String": self.value.__str__}[name]  # fmt: skip


class Flat(dict[str, Shown]):
    """`key value` a line; keys that are not there are not set."""

    def __missing__(self, key: str) -> Shown:
        return Shown(Value())


class Nested(dict[str, Flat]):
    """`key name=value …` a line."""

    def __missing__(self, key: str) -> Flat:
        return Flat()


def parse_value(text: str) -> Value:
    """Parse `max`, `12`, `0.25`. Raises ValueError."""
    if text == "max":
        return Value(is_max=True, is_set=True)
    whole, _, fraction = text.partition(".")
    return Value(int(whole + fraction), len(fraction), is_set=True)


def _single(text: str) -> Shown:
    return Shown(parse_value(text.strip()))


def _several(text: str) -> list[Shown]:
    return [Shown(parse_value(word)) for word in text.split()]


def _flat(text: str) -> Flat:
    pairs = (line.split(None, 1) for line in text.splitlines() if line.strip())
    return Flat((key, Shown(parse_value(value))) for key, value in pairs)


def _nested(text: str) -> Nested:
    found = Nested()
    for line in text.splitlines():
        key, *pairs = line.split()
        found[key] = Flat((name, Shown(parse_value(value))) for name, _, value in (p.partition("=") for p in pairs))
    return found


_FILES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "cgroup.procs": ("CgroupProcs", _several),
    "cgroup.threads": ("CgroupThreads", _several),
    "cpu.stat": ("CPUStat", _flat),
    "cpu.weight": ("CPUWeight", _single),
    "cpu.weight.nice": ("CPUWeightNice", _single),
    "cpu.max": ("CPUMax", _several),
    "cpu.max.burst": ("CPUMaxBurst", _single),
    "cpu.idle": ("CPUIdle", _single),
    "cpu.pressure": ("CPUPressure", _nested),
    "cpuset.cpus": ("CPUSetCPUs", str.strip),
    "cpuset.cpus.effective": ("CPUSetCPUsEffective", str.strip),
    "cpuset.mems": ("CPUSetMems", str.strip),
    "cpuset.mems.effective": ("CPUSetMemsEffective", str.strip),
    "io.bfq.weight": ("IOBFQWeight", _flat),
    "io.max": ("IOMax", _nested),
    "io.pressure": ("IOPressure", _nested),
    "io.stat": ("IOStat", _nested),
    "memory.current": ("MemoryCurrent", _single),
    "memory.events": ("MemoryEvents", _flat),
    "memory.events.local": ("MemoryEventsLocal", _flat),
    "memory.high": ("MemoryHigh", _single),
    "memory.low": ("MemoryLow", _single),
    "memory.max": ("MemoryMax", _single),
    "memory.min": ("MemoryMin", _single),
    "memory.numa_stat": ("MemoryNUMAStat", _nested),
    "memory.oom.group": ("MemoryOOMGroup", _single),
    "memory.peak": ("MemoryPeak", _single),
    "memory.pressure": ("MemoryPressure", _nested),
    "memory.stat": ("MemoryStat", _flat),
    "memory.swap.current": ("MemorySwapCurrent", _single),
    "memory.swap.events": ("MemorySwapEvents", _flat),
    "memory.swap.high": ("MemorySwapHigh", _single),
    "memory.swap.max": ("MemorySwapMax", _single),
    "memory.swap.peak": ("MemorySwapPeak", _single),
    "pids.current": ("PidsCurrent", _single),
    "pids.events": ("PidsEvents", _flat),
    "pids.max": ("PidsMax", _single),
    "pids.peak": ("PidsPeak", _single),
}
_EMPTY: Mapping[Any, Callable[[], Any]] = {
    _single: lambda: Shown(Value()),
    _several: list,
    _flat: Flat,
    _nested: Nested,
    str.strip: str,
}


def _unset() -> dict[str, Any]:
    return {name: _EMPTY[kind]() for name, kind in _FILES.values()}


@dataclass
class Group:
    """One control group."""

    fields: dict[str, Any] = field(default_factory=_unset)
    children: dict[str, Group] = field(default_factory=dict)

    def walk(self) -> Iterator[Group]:
        """Yield this group and all below."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def at(self, path: str) -> Group:
        """Return the group at a path below this one, made if it is not there."""
        found = self
        for name in filter(None, path.split("/")):
            if name != ".":
                found = found.children.setdefault(name, Group())
        return found


def read(source: IO[bytes]) -> Group:
    """Return the root of the tree in a tar.gz. Raises Invalid for a broken archive; files that make no sense count as
    not there, since each kernel has others.
    """
    root = Group()
    try:
        with tarfile.open(fileobj=source, mode="r|gz") as archive:
            for member in archive:
                if member.isdir():
                    root.at(member.name)
                _add(root, archive, member)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise errors.Invalid(f"the archive of the node can not be read: {error}") from error
    return root


def _add(root: Group, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    folder, _, name = member.name.rpartition("/")
    if name not in _FILES or not member.isreg() or member.size > _MAX_FILE_BYTES:
        return
    content = archive.extractfile(member)
    if content is None:
        return
    field_name, parse = _FILES[name]
    try:
        root.at(folder).fields[field_name] = parse(content.read().rstrip(b"\0").decode())
    except ValueError:
        return
