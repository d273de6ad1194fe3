"""When memory runs out, and who is to go: what the handler sees of control groups, and how it decides.

Classes go from what is given up first to what the node lives on. Figures of a class are sums over its groups (that of
Guaranteed holds those of all pods); a figure with `d_` is its change per second since the last look.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talos.linux import pressure
from talos.machinery.cel import environment

TRIGGER = (
    "(multiply_qos_vectors(d_qos_memory_full_total, {System: 8.0, Podruntime: 4.0}) > 3000.0"
    ' && time_since_trigger > duration("5s"))'
    ' || (memory_full_avg10 > 75.0 && time_since_trigger > duration("10s"))'
)
RANKING = (
    "memory_max.hasValue() ? 0.0 : "
    "{Besteffort: 1.0, Burstable: 0.5, Guaranteed: 0.0, Podruntime: 0.0, System: 0.0}[class]"
    " * double(memory_current.orValue(0u))"
)
SAMPLE_S = 0.5
_NUMBERS = {name: number for number, name in enumerate(environment.CLASSES)}
_GROUPS = {
    "Besteffort": ("kubepods/besteffort",),
    "Burstable": ("kubepods/burstable",),
    "Guaranteed": ("kubepods",),
    "Podruntime": ("podruntime",),
    "System": ("init", "system"),
}
_PODS = {"Besteffort": "kubepods/besteffort", "Burstable": "kubepods/burstable", "Guaranteed": "kubepods"}
_FIGURES = tuple(f"{kind}_{window}" for kind in ("some", "full") for window in ("avg10", "avg60", "avg300", "total"))
_USAGE = ("current", "peak", "max")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, at a time of the monotonic clock: names as in expressions, without `d_`."""

    at: float
    system: Mapping[str, float]
    classes: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A control group that can be ended. `path` is below the root; figures are bytes, None without limit or number."""

    path: str
    qos: str
    current: int | None
    peak: int | None
    max: int | None


def _number(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _pressure(file: Path) -> dict[str, float]:
    try:
        return pressure.read(file)
    except OSError:
        return {}


def look(root: Path, system: Path, at: float) -> Sample:
    """Read all figures. Raises OSError on a kernel without pressure information."""
    whole = {f"memory_{name}": value for name, value in pressure.read(system).items()}
    classes: dict[str, dict[int, float]] = {f"qos_memory_{name}": {} for name in (*_FIGURES, *_USAGE)}
    for qos, groups in _GROUPS.items():
        number = _NUMBERS[qos]
        for figure in (*_FIGURES, *_USAGE):
            classes[f"qos_memory_{figure}"][number] = 0.0
        for group in groups:
            for name, value in _pressure(root / group / "memory.pressure").items():
                classes[f"qos_memory_{name}"][number] += value
            for name in _USAGE:
                classes[f"qos_memory_{name}"][number] += _number(root / group / f"memory.{name}") or 0
    return Sample(at, whole, classes)


def variables(now: Sample, before: Sample, since_trigger_s: float) -> dict[str, Any]:
    """What an expression that triggers sees."""
    elapsed = max(now.at - before.at, 0.001)
    found: dict[str, Any] = dict(now.system) | {name: dict(values) for name, values in now.classes.items()}
    for name, value in now.system.items():
        found[f"d_{name}"] = (value - before.system.get(name, value)) / elapsed
    for name, values in now.classes.items():
        old = before.classes.get(name, {})
        found[f"d_{name}"] = {key: (value - old.get(key, value)) / elapsed for key, value in values.items()}
    found["time_since_trigger"] = datetime.timedelta(seconds=since_trigger_s)
    return found


def candidates(root: Path) -> list[Candidate]:
    """Every pod's control group."""
    found = []
    for qos, parent in _PODS.items():
        folder = root / parent
        for one in sorted(folder.glob("pod*")) if folder.is_dir() else ():
            if one.is_dir():
                figures = [_number(one / f"memory.{name}") for name in _USAGE]
                found.append(Candidate(str(one.relative_to(root)), qos, *figures))
    return found


def rank(expression: str, found: list[Candidate], *, strict: bool) -> tuple[Candidate, float] | None:
    """Who goes, with its score; None when all scores are zero. Raises ExpressionError, EvaluationError.

    `strict`: a group of a higher class goes only when none of a lower one has a score.
    """
    from talos.machinery import cel

    program = cel.compile(expression, "oom-ranking")
    scored = []
    for one in found:
        figures = {f"memory_{name}": _optional(getattr(one, name)) for name in _USAGE}
        score = float(program.evaluate({**figures, "path": "/" + one.path, "class": _NUMBERS[one.qos]}))
        if score > 0:
            scored.append((one, score))
    if not scored:
        return None
    if strict:
        lowest = min(_NUMBERS[one.qos] for one, _ in scored)
        scored = [pair for pair in scored if _NUMBERS[pair[0].qos] == lowest]
    return max(scored, key=lambda pair: pair[1])


def _optional(number: int | None) -> Any:
    from talos.machinery import cel

    return cel.Optional(False, None) if number is None else cel.Optional(True, cel.Unsigned(number))
