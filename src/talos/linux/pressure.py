"""Pressure stall information (kernel documentation: accounting/psi): how long tasks waited for memory."""

from __future__ import annotations

from pathlib import Path

SYSTEM = Path("/proc/pressure/memory")


def parse(text: str) -> dict[str, float]:
    """`some_avg10`, `full_total`, … Averages are per cent of time, totals microseconds. Raises ValueError."""
    found = {}
    for line in text.splitlines():
        kind, *pairs = line.split()
        for pair in pairs:
            name, _, value = pair.partition("=")
            found[f"{kind}_{name}"] = float(value)
    return found


def read(path: Path = SYSTEM) -> dict[str, float]:
    """Pressure of the machine, or of a control group by its `memory.pressure`. Raises OSError."""
    return parse(path.read_text())
