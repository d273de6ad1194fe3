"""`talosctl cluster create` of one control plane against the floor, alternating; medians, ratio, steps.

Goals: at most 1.3 times the floor and at most 20 s. Other load on the machine disturbs both alike, hence the
alternation and the medians; the load average of each run is printed, and CPU time, which others hardly change.

`./dev bench create [-- --runs 5 --workers 0 --no-floor]`
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import _node
import floor
from talos.provision import state as states
from talos.provision.providers.namespaces import launch

ALONE = True
NAME = "create"
RATIO_MAX, SECONDS_MAX = 1.3, 20.0
_CONSOLE = {
    "machined answers": "API answers",
    "apid healthy": "service[apid](Running): health check succeeded",
    "images imported": "images of the cache are there",
    "etcd healthy": "service[etcd](Running): health check succeeded",
    "kubelet healthy": "service[kubelet](Running): health check succeeded",
}
_KUBELET = {"node registered": "Successfully registered node", "node Ready": "just became ready"}
# (pod, text of the line; empty: the first one)
_PODS = {
    "API server serves": ("kube-apiserver", "Serving securely"),
    "controller manager runs": ("kube-controller-manager", ""),
    "pod network given": ("kube-controller-manager", "Set node PodCIDR"),
    "flannel ready": ("kube-flannel", "flannel is ready"),
    "CoreDNS runs": ("coredns", ""),
}


def _console_time(line: str) -> float:
    return datetime.fromisoformat(line.split(" ", 1)[0]).timestamp()


def _first(lines: Iterator[str], text: str) -> str | None:
    return next((line for line in lines if text in line), None)


def _pod_time(line: str) -> float:
    """Of a line in the format of the container runtime's log files: RFC 3339 with nanoseconds."""
    stamp = re.sub(r"(\.\d{6})\d*", r"\1", line.split(" ", 1)[0])
    return datetime.fromisoformat(stamp).astimezone(UTC).timestamp()


def steps(home: _node.Home, begin: float) -> dict[str, float]:
    """Seconds from the begin to each step, from the logs of the running node."""
    cluster = states.Store(home.clusters).load(NAME)
    folder = cluster.node_folder(cluster.request.control_planes[0].name)
    record = launch.Record.load(folder)
    assert record is not None
    logs = Path(f"/proc/{record.init_pid}/root/var/log")
    found: dict[str, float] = {}
    console = (folder / launch.CONSOLE_FILE).read_text(errors="replace").splitlines()
    for step, text in _CONSOLE.items():
        if line := _first(iter(console), text):
            found[step] = _console_time(line) - begin
    kubelet = (logs / "kubelet.log").read_text(errors="replace").splitlines()
    for step, text in _KUBELET.items():
        if line := _first(iter(kubelet), text):
            found[step] = json.loads(line)["ts"] / 1000 - begin
    for step, (pod, text) in _PODS.items():
        files = logs.glob(f"pods/kube-system_{pod}-*/{pod}/*.log")
        hits = [line for file in files if (line := _first(iter(file.read_text(errors="replace").splitlines()), text))]
        if hits:
            found[step] = max(map(_pod_time, hits)) - begin
    return found


def create(home: _node.Home, cidr: str, workers: int) -> dict[str, float]:
    """One cluster made and removed; seconds from the start of talosctl to each step."""
    begin, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    home.create(NAME, cidr, workers=workers)
    total, after = time.time() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        cluster = states.Store(home.clusters).load(NAME)
        cpu = sum(_node.cpu_s(cluster.names.node_cgroup(one)) for one in cluster.request.nodes)
        cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {**steps(home, begin), "cluster healthy": total, floor.CPU: cpu}
    finally:
        home.destroy(NAME)


def _totals(title: str, values: list[float]) -> float:
    median = statistics.median(values)
    print(f"  {title}: median {median:.2f} s, least {min(values):.2f} s of {', '.join(f'{v:.2f}' for v in values)}")
    return median


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--cidr", default="10.24.0.0/24")
    parser.add_argument("--floor-cidr", default="10.25.0.0/24")
    parser.add_argument("--no-floor", action="store_true")
    args = parser.parse_args()
    made: list[dict[str, float]] = []
    least: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="talos-bench-") as folder:
        home = _node.Home(Path(folder))
        base = floor.Floor(home, args.floor_cidr)
        try:
            if not args.no_floor:
                base.record()
            for number in range(args.runs):
                made.append(create(home, args.cidr, args.workers))
                if not args.no_floor:
                    least.append(base.run())
                floored = f", floor {least[-1][floor.END]:.2f} s" if least else ""
                print(
                    f"  run {number + 1}: create {made[-1]['cluster healthy']:.2f} s{floored}"
                    f" (load {os.getloadavg()[0]:.1f})",
                    flush=True,
                )
        finally:
            home.destroy(NAME)
            home.destroy(floor.NAME)
    return _report(made, least, judged=args.workers == 0)


def _report(made: list[dict[str, float]], least: list[dict[str, float]], *, judged: bool) -> int:
    print("  steps of create, medians since the start of talosctl:", *floor.breakdown(made), sep="\n")
    if least:
        print("  steps of the floor:", *floor.breakdown(least), sep="\n")
    median = _totals("create", [run["cluster healthy"] for run in made])
    met = median <= SECONDS_MAX
    print(f"    goal: {SECONDS_MAX:.0f} s")
    if least:
        ratio = median / _totals("floor", [run[floor.END] for run in least])
        print(f"  ratio of the medians {ratio:.2f}, goal {RATIO_MAX}")
        cpu = [statistics.median(run[floor.CPU] for run in runs) for runs in (made, least)]
        print(f"  CPU time: create {cpu[0]:.1f} s, floor {cpu[1]:.1f} s, ratio {cpu[0] / cpu[1]:.2f}")
        met = met and ratio <= RATIO_MAX
    return 0 if met or not judged else 1


if __name__ == "__main__":
    sys.exit(main())
