"""Memory and idle CPU of a node's own processes, some minutes after its cluster is healthy.

Proportional set size (smaps_rollup) of machined, apid and trustd; CPU time of them and of init per second of an idle
stretch, as a share of one core. Goals: 96, 40 and 32 MiB; together 0.5 % of a core.

`./dev bench memory [-- --settle 300 --stretch 60]`; with `--home DIR --name NAME` a running cluster is looked at.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import _node
from talos.provision import state as states
from talos.provision.providers.namespaces import launch

ALONE = True
NAME = "memory"
MEBIBYTE = 1024 * 1024
GOALS_MIB = {"machined": 96, "apid": 40, "trustd": 32}
CPU_GOAL_PERCENT = 0.5
_OWN = ("init", *GOALS_MIB)


def pss_bytes(pid: int) -> int:
    """Proportional set size of a process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no Pss for {pid}")


def cpu_s(pid: int) -> float:
    """User and system time so far."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(home: _node.Home, name: str, stretch_s: float) -> bool:
    """Print the figures of each node; whether all goals are met."""
    cluster, met = states.Store(home.clusters).load(name), True
    own: dict[str, dict[str, int]] = {}
    for one in cluster.request.nodes:
        record = launch.Record.load(cluster.node_folder(one.name))
        assert record is not None
        own[one.name] = {k: v for k, v in _node.processes(record.init_pid).items() if k in _OWN}
    before = {node: {k: cpu_s(pid) for k, pid in pids.items()} for node, pids in own.items()}
    began = time.monotonic()
    time.sleep(stretch_s)
    elapsed = time.monotonic() - began
    for node, pids in own.items():
        shares = {k: 100 * (cpu_s(pid) - before[node][k]) / elapsed for k, pid in pids.items()}
        for program, goal in GOALS_MIB.items():
            if program in pids:
                mib = pss_bytes(pids[program]) / MEBIBYTE
                met = met and mib <= goal
                print(f"  {node} {program:9} {mib:6.1f} MiB PSS (goal {goal}), {shares[program]:.2f} % of a core")
        total = sum(shares.values())
        met = met and total <= CPU_GOAL_PERCENT
        print(f"  {node} together {total:.2f} % of a core over {elapsed:.0f} s (goal {CPU_GOAL_PERCENT})")
    return met


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settle", type=float, default=300.0, help="seconds after the cluster is healthy")
    parser.add_argument("--stretch", type=float, default=60.0, help="seconds of the idle stretch")
    parser.add_argument("--cidr", default="10.24.0.0/24")
    parser.add_argument("--home", type=Path, help="home of a running cluster to look at instead of an own one")
    parser.add_argument("--name", default=NAME)
    args = parser.parse_args()
    if args.home:
        return 0 if measure(_node.Home(args.home), args.name, args.stretch) else 1
    with tempfile.TemporaryDirectory(prefix="talos-bench-") as folder:
        home = _node.Home(Path(folder))
        try:
            home.create(NAME, args.cidr)
            time.sleep(args.settle)
            return 0 if measure(home, NAME, args.stretch) else 1
        finally:
            home.destroy(NAME)


if __name__ == "__main__":
    sys.exit(main())
